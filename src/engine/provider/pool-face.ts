import type { NetmemReturn } from "../netmem/netmem-return.js";

/** What a memory provider sees of a page pool. */
export interface PoolFace {
  /** Number of the pool: `desc.pp` of its netmems. */
  readonly number: number;
  /** Allocation order of its chunks. */
  readonly order: number;
  /** The device that the pool maps for. */
  readonly device: number;
  readonly dmaMap: boolean;
  dmaSync: boolean;
  dmaSyncForCpu: boolean;
  /** True if the pool maps for the device to write only (DMA_FROM_DEVICE). */
  readonly fromDevice: boolean;
  readonly queue: number;
  /** alloc.count. */
  readonly cacheCount: number;
  /** net_mp_niov_set_page_pool: desc.pp, pp_ref_count 1, hold_cnt + 1, POOL_CACHE by `how`. */
  hold(netmem: number, how: number): void;
  /** net_mp_netmem_place_in_cache: only with room in the cache. */
  placeInCache(netmem: number): void;
  /** `alloc.cache[--alloc.count]`: the netmem placed last, -1 from an empty cache. */
  takeFromCache(): number;
  /**
   * A netmem that the pool holds in its inflight count comes back on the provider's own path (Z4):
   * into the alloc cache, hold and release as they are, no recycle statistic. `givenBackNs` is the
   * model time at which its user gave it back.
   */
  reclaim(netmem: number, how: number, givenBackNs: number): void;
  /** net_mp_niov_clear_page_pool: only from releaseNetmem; state PROV_FREE by `how`. */
  forget(netmem: number, how: number): void;
  /** Stops the run: `netmem` broke a rule. The message names its owner and last transition. */
  fail(netmem: number, invariant: number | string, message: string): never;
  /** The provider refuses a netmem that is given up (its references are off): state DEAD. */
  abandon(netmem: number, how: number): void;
}

/** The pools as seen by a provider that hands a netmem back to whichever pool holds it. */
export interface PoolReturn extends NetmemReturn {
  /** {@link NetmemReturn.putUnrefed} with the transition named. */
  putBy(netmem: number, how: number): void;
}
