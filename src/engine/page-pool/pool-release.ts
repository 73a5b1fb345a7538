import type { VirtualClock } from "../clock/virtual-clock.js";
import { check } from "../ledger/invariant.js";
import { T9 } from "../netmem/state.js";
import type { PagePool } from "./page-pool.js";
import { DEFER_TIME_NS, DEFER_WARN_INTERVAL_NS } from "./pool-params.js";

/**
 * page_pool_destroy. The NAPI must be off. True if the pool lives on, detached, because netmems
 * are in flight; it is tried again at `pool.shutdown.retryNs`.
 */
export function destroyPool(pool: PagePool, clock: VirtualClock): boolean {
  check(pool.userCnt > 0, 25, "a page pool was destroyed once too often");
  if (--pool.userCnt > 0) return false;
  pool.disableDirect();
  pool.frag.free();
  const { shutdown } = pool;
  if (releasePool(pool) === 0) {
    shutdown.freedNs = clock.nowNs;
    return false;
  }
  shutdown.sinceNs = clock.nowNs;
  shutdown.detachSeconds = clock.epochSeconds + Math.floor(clock.nowNs / 1e9);
  shutdown.retryNs = clock.nowNs + DEFER_TIME_NS;
  shutdown.warnNs = clock.nowNs + DEFER_WARN_INTERVAL_NS;
  return true;
}

/** Messages about stalled pools that are kept; there is one a minute for each. */
const MAX_WARNINGS = 1000;

/**
 * page_pool_release_retry: another try. What cannot be freed is tried again in a second, and each
 * minute there is the warning of a stalled shutdown, if netlink cannot show the pool.
 */
export function retryPool(pool: PagePool, clock: VirtualClock, log: string[]): void {
  const inflight = releasePool(pool);
  const { shutdown } = pool;
  const { nowNs } = clock;
  shutdown.tries++;
  shutdown.retryNs = inflight === 0 ? Number.POSITIVE_INFINITY : nowNs + DEFER_TIME_NS;
  if (inflight === 0) shutdown.freedNs = nowNs;
  else warnAt(pool, nowNs, log);
}

/** Passes over the tries of a detached pool before `untilNs`: they find what the last one found. */
export function passTries(pool: PagePool, untilNs: number, log: string[]): void {
  const { shutdown } = pool;
  const passed = Math.ceil((untilNs - shutdown.retryNs) / DEFER_TIME_NS);
  if (!(passed > 0) || !Number.isFinite(passed)) return;
  const lastNs = shutdown.retryNs + (passed - 1) * DEFER_TIME_NS;
  shutdown.tries += passed;
  shutdown.retryNs = lastNs + DEFER_TIME_NS;
  if (shutdown.visibility !== "invisible") return;
  while (shutdown.warnNs <= lastNs && log.length < MAX_WARNINGS) warnAt(pool, shutdown.warnNs, log);
  if (shutdown.warnNs > lastNs) return;
  const untold = Math.floor((lastNs - shutdown.warnNs) / DEFER_WARN_INTERVAL_NS) + 1;
  shutdown.warned += untold;
  shutdown.warnNs += untold * DEFER_WARN_INTERVAL_NS;
}

function warnAt(pool: PagePool, nowNs: number, log: string[]): void {
  const { shutdown } = pool;
  if (nowNs < shutdown.warnNs || shutdown.visibility !== "invisible") return;
  shutdown.warnNs = nowNs + DEFER_WARN_INTERVAL_NS;
  shutdown.warned++;
  if (log.length >= MAX_WARNINGS) return;
  const seconds = Math.floor((nowNs - shutdown.sinceNs) / 1e9);
  log.push(`stalled pool shutdown: id ${pool.number}, ${pool.inflight} inflight ${seconds} sec`);
}

/**
 * page_pool_release: scrub, and free once nothing is in flight. Returns the inflight count, at
 * least 1 while a producer is inside the ring's lock, for which the kernel waits (271683bb2cf3).
 */
export function releasePool(pool: PagePool): number {
  scrub(pool);
  const inflight = pool.inflight;
  check(inflight >= 0, 2, "negative inflight: a netmem was put twice");
  const waits = pool.regress !== "F5";
  if (pool.producing > 0 && waits) return Math.max(inflight, 1);
  if (inflight === 0 && !pool.freed) {
    pool.freed = true;
    if (pool.provider !== null) pool.provider.destroy(pool);
  }
  return inflight;
}

/**
 * page_pool_scrub. In the thread's vintage the provider first pulls back what users hold, in use or
 * not: it cannot know why the pool goes. The first time the alloc cache is emptied and each tracked
 * page unmapped, in flight or not; the ring is emptied every time, since late puts land there.
 */
function scrub(pool: PagePool): void {
  pool.provider?.scrubPool?.(pool);
  if (pool.destroyCnt === 0) {
    flushCache(pool);
    if (pool.dmaMap) {
      pool.dmaSync = false;
      // Before ee62ce7a1d90 pages in flight stayed mapped.
      if (pool.regress !== "F4") pool.dmaMapped = 0;
    }
  }
  pool.destroyCnt++;
  for (let n = pool.ring.consume(); n >= 0; n = pool.ring.consume()) {
    check(pool.recyclable(n), 5, "a page in the ring is held by somebody else");
    pool.returnNetmem(n, T9);
  }
}

/** page_pool_update_nid: another NUMA node from now on; the alloc cache goes to the provider. */
export function updateNid(pool: PagePool, nid: number): void {
  pool.nid = Math.max(nid, 0);
  flushCache(pool);
}

function flushCache(pool: PagePool): void {
  for (let n = pool.takeFromCache(); n >= 0; n = pool.takeFromCache()) pool.returnNetmem(n, T9);
}
