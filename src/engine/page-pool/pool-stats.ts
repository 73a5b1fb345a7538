/**
 * The eleven statistics of a pool (net/core/page_pool.c, pp_stats) as indices into a Float64Array.
 * When each rises is said where it does.
 */
export const STAT_FAST = 0;
export const STAT_SLOW = 1;
export const STAT_SLOW_HIGH_ORDER = 2;
export const STAT_EMPTY = 3;
export const STAT_REFILL = 4;
export const STAT_WAIVE = 5;
export const STAT_CACHED = 6;
export const STAT_CACHE_FULL = 7;
export const STAT_RING = 8;
export const STAT_RING_FULL = 9;
export const STAT_RELEASED_REFCNT = 10;

/** Number of statistics. */
export const STATS = 11;

/** The record's names of the statistics, in the kernel's order. */
export const STAT_NAMES = [
  "allocFast",
  "allocSlow",
  "allocSlowHighOrder",
  "allocEmpty",
  "allocRefill",
  "allocWaive",
  "recycleCached",
  "recycleCacheFull",
  "recycleRing",
  "recycleRingFull",
  "recycleReleasedRefcnt",
] as const;

/** ethtool's names of the statistics, same order. */
export const ETHTOOL_STAT_NAMES: readonly string[] = [
  "rx_pp_alloc_fast",
  "rx_pp_alloc_slow",
  "rx_pp_alloc_slow_ho",
  "rx_pp_alloc_empty",
  "rx_pp_alloc_refill",
  "rx_pp_alloc_waive",
  "rx_pp_recycle_cached",
  "rx_pp_recycle_cache_full",
  "rx_pp_recycle_ring",
  "rx_pp_recycle_ring_full",
  "rx_pp_recycle_released_ref",
];

/** Name of a statistic in the record. */
export type StatName = (typeof STAT_NAMES)[number];

/** The statistics of one or several pools, summed, by name. */
export function sumStats(
  pools: Iterable<{ readonly stats: Float64Array }>,
): Record<StatName, number> {
  const sums = new Float64Array(STATS);
  for (const seen of new Set([...pools].map((pool) => pool.stats))) {
    for (let i = 0; i < STATS; i++) sums[i]! += seen[i]!;
  }
  return Object.fromEntries(STAT_NAMES.map((name, i) => [name, sums[i]!])) as Record<
    StatName,
    number
  >;
}

/** recycling_pct as ynltool has it: (ring + cached) / (fast + refill + slow) * 100; 0 for none. */
export function recyclingPct(stats: Record<StatName, number>): number {
  const taken = stats.allocFast + stats.allocRefill + stats.allocSlow;
  return taken === 0 ? 0 : ((stats.recycleRing + stats.recycleCached) / taken) * 100;
}
