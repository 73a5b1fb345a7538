import { DEFAULT_COSTS } from "../../../src/engine/clock/costs.js";
import { VirtualClock } from "../../../src/engine/clock/virtual-clock.js";
import { KERNEL_PROFILES, type KernelProfile } from "../../../src/engine/kernel/profile.js";
import { type LeakMode, Ledger } from "../../../src/engine/ledger/ledger.js";
import { CpuContext } from "../../../src/engine/netmem/netmem-return.js";
import {
  KIND_DMABUF,
  KIND_IOURING,
  KIND_PAGE,
  NetmemTable,
} from "../../../src/engine/netmem/netmem-table.js";
import { createPool } from "../../../src/engine/page-pool/create-pool.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import {
  DMA_FROM_DEVICE,
  type PoolParams,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../../../src/engine/page-pool/pool-params.js";
import { PoolTable } from "../../../src/engine/page-pool/pool-table.js";
import { StageProbe } from "../../../src/engine/probe/stages.js";
import { DevmemBinding } from "../../../src/engine/provider/devmem.js";
import { PageAllocator } from "../../../src/engine/provider/page-allocator.js";
import type { MemoryProvider } from "../../../src/engine/provider/provider.js";
import { ZcrxIfq } from "../../../src/engine/provider/zcrx.js";
import { ZcrxArea } from "../../../src/engine/provider/zcrx-area.js";
import { ZcrxRefillRing } from "../../../src/engine/provider/zcrx-refill-ring.js";

/** Parameters of a pool for device 1, queue 0, that may take a provider. */
export const PARAMS: PoolParams = {
  order: 0,
  poolSize: 0,
  nid: -1,
  device: 1,
  napi: 0,
  dmaDir: DMA_FROM_DEVICE,
  maxLen: 4096,
  offset: 0,
  queue: 0,
  flags: PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV | PP_FLAG_ALLOW_UNREADABLE_NETMEM,
};

/** Which memory a rig's area is. */
export type Kind = "page" | "devmem" | "zcrx";

const KIND_OF = { page: KIND_PAGE, devmem: KIND_DMABUF, zcrx: KIND_IOURING } as const;

/** A receive path's memory: table, ledger, pools, and one provider or allocator over the area. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly cpu = new CpuContext();
  readonly stages = new StageProbe();
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly pages: PageAllocator;
  readonly provider: MemoryProvider | null;
  readonly binding: DevmemBinding | null = null;
  readonly ifq: ZcrxIfq | null = null;

  constructor(
    kind: Kind,
    netmems: number,
    options: {
      pages?: number;
      profile?: KernelProfile;
      netmemBytes?: number;
      entries?: number;
      mode?: LeakMode;
      areaStart?: number;
    } = {},
  ) {
    const netmemBytes = options.netmemBytes ?? 4096;
    const areaStart = options.areaStart ?? 65536;
    const areaBytes = netmems * netmemBytes;
    this.table = new NetmemTable({
      areaStart,
      areaBytes,
      netmemBytes,
      areaKind: KIND_OF[kind],
      pagesStart: areaStart + areaBytes,
      pages: options.pages ?? 0,
    });
    this.ledger = new Ledger(this.table, this.clock, options.mode ?? "trace", kind === "devmem");
    this.pools = new PoolTable({
      table: this.table,
      ledger: this.ledger,
      clock: this.clock,
      cpu: this.cpu,
      stages: this.stages,
      costs: DEFAULT_COSTS,
    });
    const first = kind === "page" ? 0 : netmems;
    const count = kind === "page" ? netmems : (options.pages ?? 0);
    this.pages = new PageAllocator(this.table, first, count);
    if (kind === "devmem") {
      const queues = [{ queue: 0, dmaDevice: 1 }];
      this.binding = new DevmemBinding(this.table, { queues, sgBytes: [areaBytes], first: 0 });
      this.binding.id = 7;
    }
    if (kind === "zcrx") {
      const area = new ZcrxArea(this.table, 0, netmems, true);
      const ring = new ZcrxRefillRing(options.entries ?? 256);
      this.ifq = new ZcrxIfq(
        area,
        ring,
        { device: 1, queue: 0 },
        {
          table: this.table,
          ledger: this.ledger,
          clock: this.clock,
          profile: options.profile ?? KERNEL_PROFILES["7.3"]!,
          back: this.pools,
        },
      );
    }
    this.provider = this.binding ?? this.ifq;
  }

  /** A pool over the rig's memory; throws when creation is refused. */
  pool(change: Partial<PoolParams> = {}): PagePool {
    const pool = this.tryPool(change);
    if (typeof pool === "number") throw new Error(`createPool: ${pool}`);
    return pool;
  }

  /** A pool or the errno. */
  tryPool(change: Partial<PoolParams> = {}): PagePool | number {
    const source = { pages: this.pages, provider: this.provider };
    return createPool(this.pools, { ...PARAMS, ...change }, source);
  }

  /** Runs `work` in the NAPI of a queue. */
  napi<T>(queue: number, work: () => T): T {
    const before = this.cpu.napiQueue;
    this.cpu.napiQueue = queue;
    try {
      return work();
    } finally {
      this.cpu.napiQueue = before;
    }
  }

  /** A netmem from `pool` that an skb holds. */
  received(pool: PagePool): number {
    const n = this.napi(pool.queue, () => pool.alloc());
    if (n >= 0) this.ledger.driverToSkb(n);
    return n;
  }

  /** Puts one skb reference, in process context. */
  put(n: number): void {
    if (this.ledger.skbPut(n)) this.pools.putUnrefed(n);
  }
}
