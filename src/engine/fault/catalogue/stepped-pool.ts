import { check } from "../../ledger/invariant.js";
import { PagePool } from "../../page-pool/page-pool.js";
import { STATS } from "../../page-pool/pool-stats.js";
import { type Parts, POOL } from "./parts.js";

/** A page pool that stops where a producer of its ring still has the lock. */
export class SteppedPool extends PagePool {
  /** What another CPU does between the produce and the unlock (page_pool_recycle_in_ring). */
  produced: (() => void) | null = null;

  /** A pool over pages, listed. */
  static over(parts: Parts): SteppedPool {
    const { pools, pages } = parts;
    const params = { ...POOL, flags: 3 };
    const source = { pages, provider: null };
    const stats = new Float64Array(STATS);
    const pool = new SteppedPool(pools.nextNumber, params, source, pools.deps, stats);
    pools.add(pool);
    return pool;
  }

  override put(n: number, how: number, direct: boolean): void {
    this.producing++;
    super.put(n, how, direct);
    this.produced?.();
    check(!this.freed, "use-after-free", "ptr_ring's producer lock belongs to a freed pool");
    this.producing--;
  }
}
