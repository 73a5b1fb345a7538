import type { ApplicationPlan } from "./app/application.js";
import { RecvmsgCopy } from "./app/recvmsg-copy.js";
import type { Binding, ReaderDeps } from "./binding.js";
import { PAGE_SIZE } from "./netmem/netmem-table.js";
import type { PageAllocator } from "./provider/page-allocator.js";
import { PluginProvider } from "./provider/plugin.js";
import type { ReceiveOptions } from "./receive-options.js";

/**
 * Binds a provider that a user wrote: one instance over the whole area for all its queues, opened
 * on each. Its netmems are pages to the stack, and the application reads them with recvmsg. Nothing
 * holds it but its pools: it ends with them.
 */
export function bindPlugin(
  options: ReceiveOptions,
  plan: ApplicationPlan,
  deps: ReaderDeps & { readonly pages: PageAllocator },
): Binding | number {
  const { table, pages, netdev } = deps;
  const { netmemBytes } = options;
  const netmems = table.areaNetmems;
  const area = { netmems, netmemBytes, areaBytes: netmems * netmemBytes, pageBytes: PAGE_SIZE };
  const provider = new PluginProvider(options.plugin!, table, 0, area);
  const memory = { pages, provider, netmemBytes };
  for (let queue = 0; queue < options.queues; queue++) {
    const refused = netdev.open(queue, memory);
    if (refused !== 0) return refused;
  }
  return {
    app: new RecvmsgCopy(plan, deps),
    pages,
    providerMemory: () => memory,
    pageMemory: () => ({ pages, provider: null, netmemBytes: PAGE_SIZE }),
    returning: () => 0,
    control: null,
  };
}
