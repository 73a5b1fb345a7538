import type { POOL_STATS } from "../record/names.js";
import type { PoolRecord, RunRecord } from "../record/schema.js";

/** Netmems that a NIC or an application had, and those of them that came back. */
export interface HandedOut {
  readonly handedOut: number;
  readonly givenBack: number;
}

/**
 * The two rates of a run: ynltool's, (ring + cached) / (fast + refill + slow) * 100, and given back
 * of handed out; null where nothing was allocated or handed out.
 */
export function recycleRates(pool: PoolRecord, handed: HandedOut | null): RunRecord["recycle"] {
  const count = (name: (typeof POOL_STATS)[number]) => Number(pool[name]);
  const allocated = count("allocFast") + count("allocRefill") + count("allocSlow");
  const recycled = count("recycleRing") + count("recycleCached");
  return {
    recyclingPct: allocated === 0 ? null : (100 * recycled) / allocated,
    endToEndPct:
      handed === null || handed.handedOut === 0
        ? null
        : (100 * handed.givenBack) / handed.handedOut,
  };
}
