import { TASK_DEVICE } from "../netmem/netmem-return.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { ERRNO } from "../provider/provider.js";
import { BnxtQueue } from "./bnxt-queue.js";
import { Gro } from "./gro.js";
import { GveQueue } from "./gve-queue.js";
import type { QueueDeps, QueueMaker, QueueMemory } from "./queue-maker.js";
import { queuePool } from "./queue-pool.js";
import {
  BNXT_HEAD_BUFFER,
  BNXT_HEAD_POOL,
  GVE,
  GVE_POOL_MULTIPLIER,
  GVE_SMALL_BUFFER,
} from "./slot-profiles.js";
import type { SlotMem, SlotQueueParts } from "./slot-queue.js";
import { SlotRing } from "./slot-ring.js";

/** What both drivers' queues are built from. */
function partsOf(deps: QueueDeps, index: number, rings: SlotMem): SlotQueueParts {
  const { table } = deps.pools.deps;
  return {
    ...deps,
    index,
    rings,
    completions: deps.ring,
    gro: new Gro(deps),
    isNetIov: (netmem) => table.isNetIov(netmem),
  };
}

/**
 * bnxt's queues (bnxt_alloc_rx_page_pool, bnxt_queue_mem_alloc): head buffers are fragments, from a
 * pool of their own where the payload is unreadable or its pages are of a higher order. All
 * buffers are posted when the memory is made, before an old queue is stopped. Larger rx pages
 * lower the fill level, so that the bytes of a ring stay the same.
 */
export class BnxtMaker implements QueueMaker {
  readonly #deps: QueueDeps;

  constructor(deps: QueueDeps) {
    this.#deps = deps;
  }

  memAlloc(index: number, memory: QueueMemory): SlotMem | number {
    const { ring, pools, ledger } = this.#deps;
    const times = memory.netmemBytes / PAGE_SIZE;
    const shared = memory.provider === null && times === 1;
    const level = Math.max(1, ring / times);
    const payloadPool = queuePool(this.#deps, index, memory, {
      poolSize: shared ? 2 * level : level,
      unreadable: memory.provider !== null,
      bidirectional: memory.provider === null,
    });
    if (typeof payloadPool === "number") return payloadPool;
    if (shared) payloadPool.userCnt++;
    const pages = { pages: memory.pages, provider: null, netmemBytes: PAGE_SIZE };
    const wish = {
      poolSize: Math.min(ring, BNXT_HEAD_POOL),
      unreadable: false,
      bidirectional: true,
    };
    const headerPool = shared ? payloadPool : queuePool(this.#deps, index, pages, wish);
    if (typeof headerPool === "number") {
      pools.destroy(payloadPool);
      return headerPool;
    }
    const common = { slots: ring, doorbell: 1, ledger, table: pools.deps.table };
    const { netmemBytes } = memory;
    const payload = { capacity: level, bufferBytes: netmemBytes, netmemBytes, pool: payloadPool };
    const head = { capacity: ring, bufferBytes: BNXT_HEAD_BUFFER, netmemBytes: PAGE_SIZE };
    const heads = new SlotRing({ ...common, ...head, pool: headerPool });
    const payloads = new SlotRing({ ...common, ...payload });
    const mem = { heads, payloads, headerPool, payloadPool };
    return this.#prefill(index, mem) ? mem : this.#refuse(mem);
  }

  release(mem: SlotMem): void {
    mem.heads?.flush();
    mem.payloads.flush();
  }

  queue(index: number, mem: SlotMem): BnxtQueue {
    return new BnxtQueue(partsOf(this.#deps, index, mem));
  }

  /** bnxt_alloc_one_rx_ring: a ring that stays short is logged, an empty one fails. */
  #prefill(index: number, mem: SlotMem): boolean {
    const { pools, cpu } = this.#deps;
    const { task } = cpu;
    for (const ring of [mem.heads!, mem.payloads]) {
      cpu.task = TASK_DEVICE;
      const whole = ring.fill();
      cpu.task = task;
      cpu.spentNs = 0;
      if (ring.posted === 0) return false;
      if (whole) continue;
      const line = `init'ed rx ring ${index} with ${ring.posted}/${ring.capacity} pages only`;
      pools.warnings.push(line);
    }
    return true;
  }

  #refuse(mem: SlotMem): number {
    const { pools } = this.#deps;
    this.release(mem);
    pools.destroy(mem.payloadPool);
    pools.destroy(mem.headerPool);
    return -ERRNO.ENOMEM;
  }
}

/**
 * gve's queues (gve_rx_create_page_pool): one pool, which takes a provider only with header split;
 * a buffer is a page then, else half of one. The ring is filled at start.
 */
export class GveMaker implements QueueMaker {
  readonly #deps: QueueDeps;

  constructor(deps: QueueDeps) {
    this.#deps = deps;
  }

  memAlloc(index: number, memory: QueueMemory): SlotMem | number {
    const { ring, pools, ledger, tcpDataSplit } = this.#deps;
    const pool = queuePool(this.#deps, index, memory, {
      poolSize: GVE_POOL_MULTIPLIER * ring,
      unreadable: memory.provider !== null,
      bidirectional: false,
    });
    if (typeof pool === "number") return pool;
    // Two users, so that both names of the one pool are destroyed alike.
    pool.userCnt++;
    const payloads = new SlotRing({
      slots: ring,
      capacity: ring - 1,
      bufferBytes: tcpDataSplit ? PAGE_SIZE : GVE_SMALL_BUFFER,
      netmemBytes: PAGE_SIZE,
      doorbell: Math.min(GVE.doorbell, ring / 4),
      pool,
      ledger,
      table: pools.deps.table,
    });
    return { heads: null, payloads, headerPool: pool, payloadPool: pool };
  }

  release(mem: SlotMem): void {
    mem.payloads.flush();
  }

  queue(index: number, mem: SlotMem): GveQueue {
    return new GveQueue(partsOf(this.#deps, index, mem));
  }
}
