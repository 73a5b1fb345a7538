import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Ledger } from "../ledger/ledger.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import type { StageProbe } from "../probe/stages.js";
import type { PageAllocator } from "../provider/page-allocator.js";
import type { MemoryProvider } from "../provider/provider.js";

/** `NM_BACK_NS` of a netmem that no pool had yet. */
export const NEVER_NS = Number.NEGATIVE_INFINITY;

/** What every pool of a receive path works with. */
export interface PoolDeps {
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly stages: StageProbe;
  readonly costs: Costs;
  /** KernelProfile.regress; no historic bug where it is absent. */
  readonly regress?: string;
}

/** Where a pool gets memory: the queue's provider if its flags allow one, else pages. */
export interface PoolSource {
  readonly pages: PageAllocator | null;
  readonly provider: MemoryProvider | null;
}

/** Whether netlink shows a pool: on its device, on `lo` once that went, or nowhere. */
export type Visibility = "normal" | "orphaned" | "invisible";

/** Whether netlink shows the pool, and the shutdown of a detached one. */
export interface PoolShutdown {
  visibility: Visibility;
  /** Model time of page_pool_detached. */
  sinceNs: number;
  /** The same in seconds since the start of the run (detach-time), -1 before. */
  detachSeconds: number;
  retryNs: number;
  warnNs: number;
  /** Warnings of a stalled shutdown so far. */
  warned: number;
  /** Model time at which it was freed, Infinity before; and tries of page_pool_release_retry. */
  freedNs: number;
  tries: number;
}

/** A pool that is not detached. */
export function newShutdown(): PoolShutdown {
  const never = Number.POSITIVE_INFINITY;
  return {
    visibility: "normal",
    sinceNs: never,
    detachSeconds: -1,
    retryNs: never,
    warnNs: never,
    warned: 0,
    freedNs: never,
    tries: 0,
  };
}
