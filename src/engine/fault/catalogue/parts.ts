import { DEFAULT_COSTS } from "../../clock/costs.js";
import { VirtualClock } from "../../clock/virtual-clock.js";
import type { KernelProfile } from "../../kernel/profile.js";
import { Ledger } from "../../ledger/ledger.js";
import { CpuContext } from "../../netmem/netmem-return.js";
import {
  KIND_DMABUF,
  KIND_IOURING,
  KIND_PAGE,
  NetmemTable,
  NM_PP_REF,
  NM_USER,
  NM_WORDS,
} from "../../netmem/netmem-table.js";
import { createPool } from "../../page-pool/create-pool.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import {
  DMA_FROM_DEVICE,
  NUMA_NO_NODE,
  type PoolParams,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../../page-pool/pool-params.js";
import { PoolTable } from "../../page-pool/pool-table.js";
import { StageProbe } from "../../probe/stages.js";
import { type DevmemBinding, DevmemRegistry } from "../../provider/devmem.js";
import { PageAllocator } from "../../provider/page-allocator.js";
import type { MemoryProvider } from "../../provider/provider.js";
import type { ZcrxIfq } from "../../provider/zcrx.js";
import type { ZcrxPins } from "../../provider/zcrx-deps.js";
import { ZcrxRefillRing } from "../../provider/zcrx-refill-ring.js";
import { openZcrx, type ZcrxRegistration } from "../../provider/zcrx-register.js";
import type { ProviderKind } from "../../receive-options.js";

const PAGE_BYTES = 4096;
const DEVICE = 1;
/** Entries of a staged refill ring. */
export const RQ_ENTRIES = 64;
const KIND_OF = { page: KIND_PAGE, devmem: KIND_DMABUF, zcrx: KIND_IOURING } as const;

/** Parameters of a pool for device 1, queue 0, that may take a provider. */
export const POOL: PoolParams = {
  order: 0,
  poolSize: 0,
  nid: NUMA_NO_NODE,
  device: DEVICE,
  napi: 0,
  dmaDir: DMA_FROM_DEVICE,
  maxLen: PAGE_BYTES,
  offset: 0,
  queue: 0,
  flags: PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV | PP_FLAG_ALLOW_UNREADABLE_NETMEM,
};

/**
 * The memory side of a receive path without device, stack or application: netmems, their book, page
 * pools, and room for providers. What a row does to them, it does by the kernel's functions.
 */
export class Parts {
  readonly profile: KernelProfile;
  readonly clock = new VirtualClock();
  readonly cpu = new CpuContext();
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly pages: PageAllocator;
  readonly registry: DevmemRegistry;
  readonly pins: ZcrxPins = { pages: 0, sgAllocFails: false };

  /** `netmems` of a provider's area and 64 system pages; pages alone for the page provider. */
  constructor(kind: Exclude<ProviderKind, "plugin">, netmems: number, profile: KernelProfile) {
    this.profile = profile;
    const areaBytes = netmems * PAGE_BYTES;
    this.table = new NetmemTable({
      areaStart: 65536,
      areaBytes,
      netmemBytes: PAGE_BYTES,
      areaKind: KIND_OF[kind],
      pagesStart: 65536 + areaBytes,
      pages: 64,
    });
    const { table, clock, cpu } = this;
    this.ledger = new Ledger(table, clock, "trace", kind === "devmem");
    this.pools = new PoolTable({
      table,
      ledger: this.ledger,
      clock,
      cpu,
      stages: new StageProbe(),
      costs: DEFAULT_COSTS,
      regress: profile.regress,
    });
    const first = kind === "page" ? 0 : netmems;
    this.pages = new PageAllocator(table, first, kind === "page" ? netmems : 64);
    const kernel = { profile, schedule: (work: () => void) => work(), onFree: () => {} };
    this.registry = new DevmemRegistry(table, kernel);
  }

  /** A pool over a provider, or over pages. */
  pool(provider: MemoryProvider | null, change: Partial<PoolParams> = {}): PagePool {
    const made = createPool(this.pools, { ...POOL, ...change }, { pages: this.pages, provider });
    if (typeof made === "number") throw new Error(`createPool: errno ${-made}`);
    return made;
  }

  /** A devmem binding of all netmems, on no device's queue. */
  bind(change: Partial<Parameters<DevmemRegistry["bind"]>[0]> = {}): DevmemBinding {
    const made = this.registry.bind(
      { ...this.bindPlan(), ...change },
      () => 0,
      () => {},
    );
    if (typeof made === "number") throw new Error(`bind: errno ${-made}`);
    return made;
  }

  /** A bind-rx request for all netmems on queue 0. */
  bindPlan(): Parameters<DevmemRegistry["bind"]>[0] {
    const bytes = this.table.areaNetmems * PAGE_BYTES;
    return { queues: [{ queue: 0, dmaDevice: DEVICE }], sgBytes: [bytes], first: 0 };
  }

  /**
   * io_register_zcrx over all netmems, or those of a range: the instance or a negative errno;
   * `open` is netif_mp_open_rxq.
   */
  register(
    open: (ifq: ZcrxIfq) => number = () => 0,
    change: Partial<ZcrxRegistration> = {},
    where: { readonly first: number; readonly niovs: number } | null = null,
  ): ZcrxIfq | number {
    const { first, niovs } = where ?? { first: 0, niovs: this.table.areaNetmems };
    const range = { first, niovs, device: DEVICE };
    const deps = { ...this, back: this.pools };
    return openZcrx({ ...registration(niovs), ...change }, range, deps, open);
  }

  /** The same, where it must not fail. */
  ifq(change: Partial<ZcrxRegistration> = {}): ZcrxIfq {
    const made = this.register(() => 0, change);
    if (typeof made === "number") throw new Error(`register: errno ${-made}`);
    return made;
  }

  /** Runs `work` in the NAPI of queue 0. */
  napi<T>(work: () => T): T {
    this.cpu.napiQueue = 0;
    const answer = work();
    this.cpu.napiQueue = -1;
    return answer;
  }

  /** A netmem of a pool that an skb holds (T2, T4). */
  received(pool: PagePool): number {
    const n = this.napi(() => pool.alloc());
    if (n < 0) throw new Error("the pool has nothing to give");
    this.ledger.driverToSkb(n);
    return n;
  }

  /** The skb is freed, in process context. */
  put(n: number): void {
    if (this.ledger.skbPut(n)) this.pools.putUnrefed(n);
  }

  /** put_page of an ordinary page that an skb held. */
  putPage(n: number): void {
    this.table.words.fill(0, n * NM_WORDS + NM_PP_REF, n * NM_WORDS + NM_USER + 1);
    this.pages.put(n);
  }

  /** Ring exit, both steps. */
  exit(ifq: ZcrxIfq, close: () => void): void {
    ifq.terminate(close);
    ifq.unregister();
  }

  /** Ten seconds in which detached pools are tried again. */
  retry(): void {
    for (let second = 0; second < 10; second++) {
      this.clock.nowNs += 1e9;
      this.pools.retryRelease();
    }
  }
}

function registration(niovs: number): ZcrxRegistration {
  return {
    netAdmin: true,
    deferTaskrun: true,
    bigCqes: true,
    clamp: false,
    flags: 0,
    reserved: 0,
    zcrxId: 0,
    ifIdx: DEVICE,
    ifRxq: 0,
    rqEntries: RQ_ENTRIES,
    regionBytes: ZcrxRefillRing.regionBytes(RQ_ENTRIES),
    deviceExists: true,
    dmaDevice: true,
    area: { addr: PAGE_BYTES, bytes: niovs * PAGE_BYTES, token: 0, flags: 0, dmabufBytes: -1 },
    rxBufLen: 0,
    contiguousBytes: niovs * PAGE_BYTES,
    importable: false,
  };
}
