import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { ERRNO, type NetlinkAttributes } from "../provider/provider.js";
import type { PagePool } from "./page-pool.js";
import type { PoolTable } from "./pool-table.js";

/** What page-pool-get of the netdev family answers (page_pool_nl_fill). */
export interface PoolAnswer extends NetlinkAttributes {
  id: number;
  /** Device; absent for a pool whose device went. */
  ifindex?: number;
  /** Netmems in the pool's account, those in cache and ring too, and their bytes. */
  inflight: number;
  inflightMem: number;
  /** Seconds since the start of the run; only of detached pools. */
  detachTime?: number;
}

/** page-pool-get: -ENOENT for a pool that does not exist (any more) or is invisible. */
export function poolGet(pools: PoolTable, id: number): PoolAnswer | number {
  const pool: PagePool | null = pools.pools[id] ?? null;
  if (pool === null || pool.freed || pool.shutdown.visibility === "invisible") {
    return -ERRNO.ENOENT;
  }
  const inflight = Math.max(pool.inflight, 0);
  const answer: PoolAnswer = { id, inflight, inflightMem: inflight * (PAGE_SIZE << pool.order) };
  if (pool.shutdown.visibility === "normal") answer.ifindex = pool.device;
  if (pool.shutdown.detachSeconds >= 0) answer.detachTime = pool.shutdown.detachSeconds;
  // Before 8d522566ae9c mp_priv was taken for a devmem binding, whoever's it was.
  if (pool.regress === "F21" && pool.provider !== null) {
    answer.dmabuf = (pool.provider as unknown as { refs: number }).refs;
    return answer;
  }
  const failed = pool.provider === null ? 0 : pool.provider.nlFill(answer, -1);
  return failed !== 0 ? failed : answer;
}
