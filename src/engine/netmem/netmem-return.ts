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

/** What runs now: the device, opened, closed or started anew (also while a path is built). */
export const TASK_DEVICE = 0;
/** A thread of the application. */
export const TASK_THREAD = 1;
/** A detached pool's retry. */
export const TASK_RETRY = 2;
/** The end of a capture: its sockets are closed. */
export const TASK_CLOSE = 3;
/** A NAPI poll where there is one, else an event of the lifecycle or a fault. */
export const TASK_OTHER = 4;

/** Which CPU the model is running on right now (page_pool_napi_local). */
export class CpuContext {
  /** What runs now, a TASK_ constant; histories tell it, and nothing else looks at it. */
  task = TASK_DEVICE;
  /** The application's thread that makes the step at hand, or made the last one. */
  thread = 0;
  /** Queue whose NAPI runs now (softirq on that queue's CPU), or -1 in process context. */
  napiQueue = -1;
  /**
   * What the work of the running poll costs so far. Its time is clock.nowNs, where the poll began,
   * plus this; 0 outside a poll.
   */
  spentNs = 0;
}
