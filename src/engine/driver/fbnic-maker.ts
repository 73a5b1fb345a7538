import { PAGE_SIZE } from "../netmem/netmem-table.js";
import type { PagePool } from "../page-pool/page-pool.js";
import { BufferRing } from "./buffer-ring.js";
import { Gro } from "./gro.js";
import type { PackedProfile } from "./profile.js";
import type { QueueDeps, QueueMaker, QueueMem, QueueMemory } from "./queue-maker.js";
import { queuePool } from "./queue-pool.js";
import { type QueueRings, RxQueue } from "./rx-queue.js";

/** fbnic: a pool's ring holds both descriptor rings, at most this many. */
const MAX_POOL_SIZE = 32768;
/** A quarter of a short ring is of no use: the service task would find it dry at all times. */
const SHORT_RING = 8;

/** What fbnic's restart replaces. */
export interface FbnicMem extends QueueMem, QueueRings {}

/**
 * fbnic's queues (fbnic_alloc_rx_qt_resources): the header pool is separate only where the payload
 * is unreadable; else header and payload ring are two users of one pool. Rings are filled at start.
 *
 *      --ring (ethtool -G rx: the completion ring, RCQ)     1024 entries
 *      rx-mini, the header ring (HPQ): a quarter of it       256 descriptors
 *      rx-jumbo, the payload ring (PPQ): as many             256 descriptors
 *
 * which are the lengths that the driver starts with (FBNIC_RCQ_SIZE_DEFAULT and its neighbours).
 */
export class FbnicMaker implements QueueMaker {
  readonly #profile: PackedProfile;
  readonly #deps: QueueDeps;

  constructor(profile: PackedProfile, deps: QueueDeps) {
    this.#profile = profile;
    this.#deps = deps;
  }

  memAlloc(index: number, memory: QueueMemory): FbnicMem | number {
    const shared = memory.provider === null;
    const payloadPool = this.#pool(index, memory, !shared);
    if (typeof payloadPool === "number") return payloadPool;
    if (shared) payloadPool.userCnt++;
    const headerPool = shared ? payloadPool : this.#pool(index, memory, false);
    if (typeof headerPool === "number") {
      this.#deps.pools.destroy(payloadPool);
      return headerPool;
    }
    const headers = this.#ring(shared ? memory.netmemBytes : PAGE_SIZE, headerPool);
    const payloads = this.#ring(memory.netmemBytes, payloadPool);
    return { headers, payloads, headerPool, payloadPool };
  }

  /** Nothing: what was never started has no netmems, and stop has flushed the rest. */
  release(): void {}

  queue(index: number, mem: FbnicMem): RxQueue {
    const deps = this.#deps;
    return new RxQueue({
      ...deps,
      profile: this.#profile,
      index,
      completions: this.#descriptors * this.#profile.completionsPerDescriptor,
      rings: mem,
      gro: new Gro(deps),
    });
  }

  /** Descriptors of either buffer ring. */
  get #descriptors(): number {
    const { ring } = this.#deps;
    return Math.max(Math.min(ring, SHORT_RING), ring / this.#profile.completionsPerDescriptor);
  }

  #pool(index: number, memory: QueueMemory, unreadable: boolean): PagePool | number {
    const poolSize = Math.min(2 * this.#descriptors, MAX_POOL_SIZE);
    return queuePool(this.#deps, index, memory, {
      poolSize,
      unreadable,
      bidirectional: !unreadable,
    });
  }

  /** A descriptor is one hardware page; a larger netmem takes several descriptors of the ring. */
  #ring(netmemBytes: number, pool: PagePool): BufferRing {
    const { ledger, pools } = this.#deps;
    const { hardwarePageBytes, biasMin } = this.#profile;
    return new BufferRing({
      netmems: Math.max(2, this.#descriptors / (netmemBytes / hardwarePageBytes)),
      netmemBytes,
      hwPageBytes: hardwarePageBytes,
      bias: Math.max(biasMin, netmemBytes / 64),
      pool,
      ledger,
      table: pools.deps.table,
    });
  }
}
