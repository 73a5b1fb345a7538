import type { Application, ApplicationPlan, DeliverySink } from "./app/application.js";
import { RecvmsgCopy } from "./app/recvmsg-copy.js";
import { RecvmsgDevmem } from "./app/recvmsg-devmem.js";
import { ZcrxConsumer } from "./app/zcrx-consumer.js";
import { bindPlugin } from "./bind-plugin.js";
import type { Costs } from "./clock/costs.js";
import type { VirtualClock } from "./clock/virtual-clock.js";
import { DEVICE, type Netdev, type QueueMemory } from "./driver/netdev.js";
import { type PathLayout, restQueues } from "./layout.js";
import type { Ledger } from "./ledger/ledger.js";
import type { DelayedWork } from "./lifecycle/delayed-work.js";
import { DevmemControl } from "./lifecycle/devmem-control.js";
import type { KernelLog } from "./lifecycle/kernel-log.js";
import { ZcrxControl } from "./lifecycle/zcrx-control.js";
import type { Arena } from "./memory/arena.js";
import type { CpuContext } from "./netmem/netmem-return.js";
import {
  KIND_DMABUF,
  KIND_IOURING,
  KIND_PAGE,
  type NetmemTable,
  PAGE_SIZE,
} from "./netmem/netmem-table.js";
import type { PoolTable } from "./page-pool/pool-table.js";
import type { StageProbe } from "./probe/stages.js";
import { AreaRanges } from "./provider/area-ranges.js";
import { DevmemRegistry } from "./provider/devmem.js";
import { PageAllocator } from "./provider/page-allocator.js";
import { ERRNO } from "./provider/provider.js";
import { ZcrxRefillRing } from "./provider/zcrx-refill-ring.js";
import { registerZcrx, type ZcrxRegistration } from "./provider/zcrx-register.js";
import type { ProviderKind, ReceiveOptions } from "./receive-options.js";
import type { SkbSlab } from "./skb/skb-slab.js";
import type { SocketFace } from "./tcp/socket-face.js";

/** Kind of memory that each provider's area is. */
export const KIND_OF: Readonly<Record<ProviderKind, number>> = {
  page: KIND_PAGE,
  devmem: KIND_DMABUF,
  zcrx: KIND_IOURING,
  plugin: KIND_PAGE,
};

/** Entries of each zcrx refill ring; iou-zcrx.c asks for as many. */
const RQ_ENTRIES = 4096;

/** What a provider and its application are built from. */
export interface BindingDeps {
  readonly arena: Arena;
  readonly layout: PathLayout;
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly stages: StageProbe;
  readonly costs: Costs;
  readonly slab: SkbSlab;
  readonly sockets: SocketFace;
  readonly sink: DeliverySink | null;
  /** The device, down, on whose queues the provider is opened. */
  readonly netdev: Pick<Netdev, "open" | "close">;
  /** What happens later, and what happened. */
  readonly work: DelayedWork;
  readonly log: KernelLog;
}

/** A memory provider bound to the queues, and the application that reads through it. */
export interface Binding {
  readonly app: Application;
  /** The allocator of system pages: of everything for the page provider, of headers otherwise. */
  readonly pages: PageAllocator;
  /** Memory of provider queue `queue`. */
  providerMemory(queue: number): QueueMemory;
  /** Memory of a page queue. */
  pageMemory(): QueueMemory;
  /** Netmems that the application gave back and the provider has not taken in yet. */
  returning(): number;
  /** What holds the provider: netlink socket or io_uring; null for pages. */
  readonly control: DevmemControl | ZcrxControl | null;
}

/**
 * Binds the provider that a run is about: one page allocator, one devmem binding over all provider
 * queues, or one zcrx instance for each of them, the area shared evenly. A provider is opened on
 * its queues here (netif_mp_open_rxq). A negative errno where the kernel would refuse.
 */
export function bindProvider(options: ReceiveOptions, deps: BindingDeps): Binding | number {
  const queues = options.queues;
  const threads = options.provider === "page" ? queues : queues + restQueues(queues);
  const { readDelayNs, readSizeBytes, holdNs, batch } = options;
  const plan: ApplicationPlan = { readDelayNs, readSizeBytes, holdNs, batch, threads };
  const providerQueues = new Uint8Array(threads).fill(1, 0, queues);
  if (options.provider === "page") providerQueues.fill(0);
  const { userStart, userBytes } = deps.layout;
  const reader = { ...deps, tcp: deps.sockets, userStart, userBytes, providerQueues };
  if (options.provider === "page") return bindPages(options, plan, reader);
  const pages = new PageAllocator(deps.table, deps.table.areaNetmems, deps.layout.pages);
  const pageMemory = () => ({ pages, provider: null, netmemBytes: PAGE_SIZE });
  if (options.provider === "plugin") return bindPlugin(options, plan, { ...reader, pages });
  return options.provider === "devmem"
    ? bindDevmem(options, plan, { ...reader, pages, pageMemory })
    : bindZcrx(options, plan, { ...reader, pages, pageMemory });
}

/** What an application is built from. */
export type ReaderDeps = BindingDeps & {
  readonly tcp: SocketFace;
  readonly userStart: number;
  readonly userBytes: number;
  readonly providerQueues: Uint8Array;
};

type ForeignDeps = ReaderDeps & {
  readonly pages: PageAllocator;
  readonly pageMemory: () => QueueMemory;
};

function bindPages(options: ReceiveOptions, plan: ApplicationPlan, deps: ReaderDeps): Binding {
  const pages = new PageAllocator(deps.table, 0, deps.table.areaNetmems);
  const memory = { pages, provider: null, netmemBytes: options.netmemBytes };
  return {
    app: new RecvmsgCopy(plan, deps),
    pages,
    providerMemory: () => memory,
    pageMemory: () => memory,
    returning: () => 0,
    control: null,
  };
}

function bindDevmem(
  options: ReceiveOptions,
  plan: ApplicationPlan,
  deps: ForeignDeps,
): Binding | number {
  const { table, pools, pages, pageMemory, netdev, log, work } = deps;
  const { netmemBytes, areaBytes } = options;
  const { regress } = options.kernel;
  const registry = new DevmemRegistry(table, {
    profile: options.kernel,
    schedule: (free) => work.after(0, free),
    onFree: () => log.note("binding-free"),
  });
  const queues = Array.from({ length: options.queues }, (_, queue) => ({
    queue,
    dmaDevice: DEVICE,
  }));
  const control = new DevmemControl({
    registry,
    log,
    ranges: new AreaRanges(table.areaNetmems, Math.floor(areaBytes / netmemBytes)),
    plan: (first) => ({ queues, sgBytes: [areaBytes], first }),
    open: (queue, provider) => netdev.open(queue, { pages, provider, netmemBytes }),
    close: (queue, provider) => netdev.close(queue, provider),
  });
  const refused = control.bind();
  if (refused !== 0) return refused;
  const provider = control.binding!;
  return {
    app: new RecvmsgDevmem(plan, { ...deps, back: pools, areaNetmems: table.areaNetmems, regress }),
    pages,
    providerMemory: () => ({ pages, provider, netmemBytes }),
    pageMemory,
    returning: () => 0,
    control,
  };
}

function bindZcrx(
  options: ReceiveOptions,
  plan: ApplicationPlan,
  deps: ForeignDeps,
): Binding | number {
  const { table, pools, pages, pageMemory, netdev, log, work } = deps;
  const { netmemBytes, queues, kernel: profile } = options;
  const niovs = Math.floor(Math.floor(options.areaBytes / netmemBytes) / queues);
  // An area without one whole buffer: io_zcrx_create_area finds nothing to cut.
  if (niovs === 0) return -ERRNO.EINVAL;
  const zcrxDeps = { ...deps, profile, back: pools, onFree: () => log.note("zcrx-free") };
  const control = new ZcrxControl({
    profile,
    queues,
    niovs,
    log,
    work,
    table,
    ranges: new AreaRanges(table.areaNetmems, niovs),
    register: (queue, first) => {
      const range = { first, niovs, device: DEVICE };
      return registerZcrx(registration(queue, niovs, netmemBytes), range, zcrxDeps);
    },
    open: (queue, provider) => netdev.open(queue, { pages, provider, netmemBytes }),
    close: (queue, provider) => netdev.close(queue, provider),
  });
  const refused = control.register();
  if (refused !== 0) return refused;
  const { ifqs } = control;
  return {
    app: new ZcrxConsumer(plan, { ...deps, ifqs, cqEntries: 0, regress: profile.regress }),
    pages,
    providerMemory: (queue) => ({ pages, provider: ifqs[queue]!, netmemBytes }),
    pageMemory,
    returning: () => control.all.reduce((sum, ifq) => sum + ifq.returning(), 0),
    control,
  };
}

/** What liburing's zcrx server registers: user memory, 4096 refill entries. */
function registration(queue: number, niovs: number, netmemBytes: number): ZcrxRegistration {
  return {
    netAdmin: true,
    deferTaskrun: true,
    bigCqes: true,
    clamp: false,
    flags: 0,
    reserved: 0,
    zcrxId: 0,
    ifIdx: DEVICE,
    ifRxq: queue,
    rqEntries: RQ_ENTRIES,
    regionBytes: ZcrxRefillRing.regionBytes(RQ_ENTRIES),
    deviceExists: true,
    dmaDevice: true,
    area: { addr: PAGE_SIZE, bytes: niovs * netmemBytes, token: 0, flags: 0, dmabufBytes: -1 },
    rxBufLen: netmemBytes === PAGE_SIZE ? 0 : netmemBytes,
    contiguousBytes: niovs * netmemBytes,
    importable: false,
  };
}
