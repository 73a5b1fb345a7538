import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Arena } from "../memory/arena.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import type { PagePool } from "../page-pool/page-pool.js";
import type { PoolTable } from "../page-pool/pool-table.js";
import type { Counters } from "../probe/counters.js";
import type { StageProbe } from "../probe/stages.js";
import type { PageAllocator } from "../provider/page-allocator.js";
import type { MemoryProvider } from "../provider/provider.js";
import type { SkbSlab } from "../skb/skb-slab.js";
import type { ReceiveQueue } from "./receive-queue.js";
import type { NapiPlan, NetworkLayer } from "./rx-queue.js";

/** The device number of the model's NIC. */
export const DEVICE = 1;

/** What the queues of a device share. */
export interface QueueDeps {
  readonly napi: NapiPlan;
  /** ethtool's tcp-data-split: whether the NIC splits headers from payload. */
  readonly tcpDataSplit: boolean;
  /** Descriptors a ring, a power of two. */
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
  readonly counters: Counters;
}

/** Where a queue's buffers come from. */
export interface QueueMemory {
  /** Pages for headers, and for payload where there is no provider. */
  readonly pages: PageAllocator;
  readonly provider: MemoryProvider | null;
  /** Bytes of one payload netmem. */
  readonly netmemBytes: number;
}

/** What a restart replaces: pools, one and the same where a driver has one, and its rings. */
export interface QueueMem {
  readonly headerPool: PagePool;
  readonly payloadPool: PagePool;
}

/**
 * What differs from driver to driver when queues are made: pools, rings, and the queue around them.
 * A device has one of these; nothing asks for the driver after that.
 */
export interface QueueMaker {
  /** ndo_queue_mem_alloc: pools and rings for the memory given, or a negative errno. */
  memAlloc(index: number, memory: QueueMemory): QueueMem | number;
  /** What ndo_queue_mem_free gives back before the pools are destroyed. */
  release(mem: QueueMem): void;
  /** The queue, without its rings filled. */
  queue(index: number, mem: QueueMem): ReceiveQueue;
}
