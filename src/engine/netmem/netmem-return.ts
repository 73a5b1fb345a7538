/**
 * The way a netmem takes back to its pool once its last reference is gone
 * (page_pool_put_unrefed_netmem). The page pools implement it; skb, tcp and app call it.
 */
export interface NetmemReturn {
  /**
   * Gives netmem `n`, whose last reference was put (pp_ref_count is back at 1), to the pool in its
   * `desc.pp`. Whether it may go straight to the alloc cache is decided by the pool from the
   * present {@link CpuContext}.
   */
  putUnrefed(n: number): void;
}

/** Which CPU the model is running on right now (page_pool_napi_local). */
export class CpuContext {
  /** Queue whose NAPI runs now (softirq on that queue's CPU), or -1 in process context. */
  napiQueue = -1;
  /**
   * What the work of the running poll costs so far. Its time is clock.nowNs, where the poll began,
   * plus this; 0 outside a poll.
   */
  spentNs = 0;
}
