import { check } from "../ledger/invariant.js";
import type { Ledger } from "../ledger/ledger.js";
import { POOL_RING, T9 } from "../netmem/state.js";
import type { PagePool } from "./page-pool.js";
import { PP_ALLOC_CACHE_SIZE } from "./pool-params.js";
import { STAT_CACHE_FULL, STAT_RING, STAT_RING_FULL } from "./pool-stats.js";

/**
 * page_pool_put_netmem_bulk for `count` netmems of one pool whose last references were put. Where
 * the ring refuses one, `ring_full` rises once for the bulk, and this one and all behind it go to
 * the provider (page_pool_recycle_ring_bulk). Overwrites `netmems`. `unlocked` runs when the ring's
 * lock was dropped: from then on the pool may be gone, and nothing of it is touched
 * (bdea4980182e), unless it has something to give back still.
 */
export function putBulk(
  pool: PagePool,
  ledger: Ledger,
  netmems: Int32Array,
  count: number,
  unlocked: (() => void) | null = null,
): void {
  const { direct, stats, ring } = pool;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const n = netmems[i]!;
    if (!pool.recyclable(n)) pool.releaseShared(n);
    else if (direct && pool.cacheCount < PP_ALLOC_CACHE_SIZE) pool.put(n, pool.howBack(n), true);
    else {
      if (direct) stats[STAT_CACHE_FULL]!++;
      pool.stampBack(n);
      netmems[kept++] = n;
    }
  }
  let i = 0;
  pool.producing++;
  for (; i < kept && ring.produce(netmems[i]!); i++) {
    ledger.move(netmems[i]!, POOL_RING, pool.howBack(netmems[i]!));
  }
  const late = pool.regress === "F6";
  if (!late) stats[STAT_RING]! += i;
  pool.producing--;
  unlocked?.();
  if (late) {
    check(
      !pool.freed,
      "use-after-free",
      "recycle_ring_bulk touched the statistics of a freed pool",
    );
    stats[STAT_RING]! += i;
  }
  if (i < kept) stats[STAT_RING_FULL]!++;
  for (; i < kept; i++) pool.returnNetmem(netmems[i]!, T9);
}
