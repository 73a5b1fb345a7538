import { ERRNO } from "../provider/provider.js";
import { PagePool } from "./page-pool.js";
import type { PoolSource } from "./pool-deps.js";
import {
  checkParams,
  MAX_PAGE_ORDER,
  type PoolParams,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_SYSTEM_POOL,
} from "./pool-params.js";
import { STATS } from "./pool-stats.js";
import type { PoolTable } from "./pool-table.js";

/**
 * page_pool_create (page_pool_init): a listed pool, or a negative errno. The queue's provider is
 * adopted only under PP_FLAG_ALLOW_UNREADABLE_NETMEM.
 *
 * -EINVAL: unknown flag, DMA direction, sync without map or length, order; -EOPNOTSUPP: a provider
 * needs DMA_MAP and DMA_SYNC_DEV; what the provider's init answers.
 */
export function createPool(
  pools: PoolTable,
  params: PoolParams,
  source: PoolSource,
): PagePool | number {
  const refused = checkParams(params);
  if (refused !== 0) return refused;
  const unreadable = (params.flags & PP_FLAG_ALLOW_UNREADABLE_NETMEM) !== 0;
  const provider = unreadable ? source.provider : null;
  const pages = provider === null ? source.pages : null;
  if (provider === null && pages === null) throw new Error("a pool needs pages or a provider");
  const shared = (params.flags & PP_FLAG_SYSTEM_POOL) !== 0;
  const stats = shared ? pools.systemStats : new Float64Array(STATS);
  const pool = new PagePool(pools.nextNumber, params, { pages, provider }, pools.deps, stats);
  if (provider !== null) {
    if (!pool.dmaMap || !pool.dmaSync) return -ERRNO.EOPNOTSUPP;
    const failed = provider.init(pool);
    if (failed !== 0) {
      pools.warnings.push(`page_pool: provider ${provider.name} init failed: ${failed}`);
      return failed;
    }
  } else if (params.order > MAX_PAGE_ORDER) return -ERRNO.EINVAL;
  pools.add(pool);
  return pool;
}
