import type { Binding } from "./binding.js";
import type { Netdev } from "./driver/netdev.js";
import type { Ledger } from "./ledger/ledger.js";
import { APP_TOKEN, APP_UREF, SKB } from "./netmem/state.js";
import type { ReceiveOptions } from "./receive-options.js";

/** The parts of a receive path that know what became of its netmems. */
export interface RecycledParts {
  readonly netdev: Pick<Netdev, "queues" | "payloadPools">;
  readonly ledger: Pick<Ledger, "counts">;
  readonly binding: Pick<Binding, "returning">;
  readonly options: Pick<ReceiveOptions, "queues">;
}

/** Netmems that the NIC used up on the provider's queues, and of these back in their pools. */
export function countRecycled(parts: RecycledParts): { handedOut: number; givenBack: number } {
  const { netdev, ledger, binding, options } = parts;
  let handedOut = 0;
  let out = 0;
  const { queues, payloadPools } = netdev;
  for (const { queue, payloadPool, headerPool } of queues.slice(0, options.queues)) {
    handedOut += queue.usedPayloads;
    if (payloadPool === headerPool) handedOut += queue.usedHeaders;
    for (const pool of payloadPools[queue.index]!) {
      const counts = ledger.counts.subarray(pool.number * 16);
      out += counts[SKB]! + counts[APP_TOKEN]! + counts[APP_UREF]!;
    }
  }
  return { handedOut, givenBack: handedOut - out + binding.returning() };
}
