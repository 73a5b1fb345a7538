import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Arena } from "../memory/arena.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { createPool } from "../page-pool/create-pool.js";
import type { PagePool } from "../page-pool/page-pool.js";
import {
  DMA_BIDIRECTIONAL,
  DMA_FROM_DEVICE,
  NUMA_NO_NODE,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../page-pool/pool-params.js";
import type { PoolTable } from "../page-pool/pool-table.js";
import { Counters } from "../probe/counters.js";
import type { StageProbe } from "../probe/stages.js";
import type { PageAllocator } from "../provider/page-allocator.js";
import type { MemoryProvider } from "../provider/provider.js";
import type { SkbSlab } from "../skb/skb-slab.js";
import { BufferRing } from "./buffer-ring.js";
import { Gro } from "./gro.js";
import { type DriverProfile, FBNIC_COUNTERS } from "./profile.js";
import { type NapiPlan, type NetworkLayer, RxQueue } from "./rx-queue.js";

/** The device number of the model's NIC. */
export const DEVICE = 1;
/** fbnic: a pool's ring holds both descriptor rings, at most this many. */
const MAX_POOL_SIZE = 32768;

/** What the receive queues of a device share. */
export interface NetdevDeps {
  readonly profile: DriverProfile;
  readonly napi: NapiPlan;
  /** Descriptors a ring, each a hardware page. */
  readonly ring: number;
  readonly pools: PoolTable;
  readonly arena: Arena;
  readonly slab: SkbSlab;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly drops: Counters;
  readonly up: NetworkLayer;
}

/** Where a queue's buffers come from. */
export interface QueueMemory {
  /** Pages for headers, and for payload where there is no provider. */
  readonly pages: PageAllocator;
  readonly provider: MemoryProvider | null;
  /** Bytes of one payload netmem. */
  readonly netmemBytes: number;
}

/** A queue with the pools behind its rings; one and the same pool where payload is in pages. */
export interface QueueWithPools {
  readonly queue: RxQueue;
  readonly headerPool: PagePool;
  readonly payloadPool: PagePool;
}

/**
 * The device's receive side: makes queues with their pools (fbnic_alloc_rx_qt_resources) and takes
 * them down. The header pool is separate only where the payload is unreadable; else header and
 * payload ring are two users of one pool.
 */
export class Netdev {
  readonly counters = new Counters(FBNIC_COUNTERS);
  readonly queues: QueueWithPools[] = [];
  readonly #deps: NetdevDeps;

  constructor(deps: NetdevDeps) {
    this.#deps = deps;
  }

  /** Adds a queue and fills its rings; a negative errno when a pool refuses. */
  addQueue(memory: QueueMemory): QueueWithPools | number {
    const index = this.queues.length;
    const payloadPool = this.#pool(index, memory, memory.provider !== null);
    if (typeof payloadPool === "number") return payloadPool;
    const shared = memory.provider === null;
    if (shared) payloadPool.userCnt++;
    const headerPool = shared ? payloadPool : this.#pool(index, memory, false);
    if (typeof headerPool === "number") return headerPool;
    const queue = this.#queue(index, memory, { headerPool, payloadPool });
    const made = { queue, headerPool, payloadPool };
    this.queues.push(made);
    queue.start();
    return made;
  }

  /** ndo_stop: every queue silent and flushed, then its pools destroyed. */
  stop(): void {
    for (const { queue, headerPool, payloadPool } of this.queues) {
      queue.stop();
      this.#deps.pools.destroy(payloadPool);
      this.#deps.pools.destroy(headerPool);
    }
  }

  #pool(index: number, memory: QueueMemory, unreadable: boolean): PagePool | number {
    const pages = unreadable || memory.provider === null;
    const bytes = pages ? memory.netmemBytes : PAGE_SIZE;
    return createPool(
      this.#deps.pools,
      {
        // devmem knows order 0 only, whatever the size of its niovs.
        order: unreadable && memory.provider?.name === "devmem" ? 0 : Math.log2(bytes / PAGE_SIZE),
        poolSize: Math.min(2 * this.#deps.ring, MAX_POOL_SIZE),
        nid: NUMA_NO_NODE,
        device: DEVICE,
        napi: index,
        dmaDir: unreadable ? DMA_FROM_DEVICE : DMA_BIDIRECTIONAL,
        maxLen: bytes,
        offset: 0,
        queue: index,
        flags:
          PP_FLAG_DMA_MAP |
          PP_FLAG_DMA_SYNC_DEV |
          (unreadable ? PP_FLAG_ALLOW_UNREADABLE_NETMEM : 0),
      },
      { pages: memory.pages, provider: memory.provider },
    );
  }

  #queue(
    index: number,
    memory: QueueMemory,
    pools: { headerPool: PagePool; payloadPool: PagePool },
  ): RxQueue {
    const deps = this.#deps;
    const headerBytes = memory.provider === null ? memory.netmemBytes : PAGE_SIZE;
    return new RxQueue({
      ...deps,
      index,
      completions: deps.ring,
      headers: this.#ring(headerBytes, pools.headerPool),
      payloads: this.#ring(memory.netmemBytes, pools.payloadPool),
      gro: new Gro(deps),
      counters: this.counters,
    });
  }

  /** A descriptor is one hardware page; a larger netmem takes several descriptors of the ring. */
  #ring(netmemBytes: number, pool: PagePool): BufferRing {
    const { ring, profile, ledger, pools } = this.#deps;
    const { table } = pools.deps;
    const perNetmem = netmemBytes / profile.hardwarePageBytes;
    return new BufferRing({
      netmems: Math.max(2, ring / perNetmem),
      netmemBytes,
      bias: Math.max(profile.biasMin, netmemBytes / 64),
      pool,
      ledger,
      table,
    });
  }
}
