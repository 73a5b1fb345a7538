import { ERRNO } from "../provider/provider.js";

/** Flags (include/net/page_pool/types.h). */
export const PP_FLAG_DMA_MAP = 1;
export const PP_FLAG_DMA_SYNC_DEV = 2;
/** Per-CPU global pool: shares one statistics object with its like. */
export const PP_FLAG_SYSTEM_POOL = 4;
/** The pool adopts the memory provider of its queue; never set for header pools. */
export const PP_FLAG_ALLOW_UNREADABLE_NETMEM = 8;
const PP_FLAG_ALL = 15;

/** Entries of alloc.cache. */
export const PP_ALLOC_CACHE_SIZE = 128;
/** Netmems taken at once from ring, provider or allocator. */
export const PP_ALLOC_CACHE_REFILL = 64;
/** Ring entries without a pool_size, and the most that a pool_size can ask for. */
const DEFAULT_RING_ENTRIES = 1024;
const MAX_RING_ENTRIES = 16384;
/** Largest order of a pool without provider. */
export const MAX_PAGE_ORDER = 10;
/** Time between two tries to free a detached pool. */
export const DEFER_TIME_NS = 1e9;
/** Time between two warnings about a stalled pool that netlink cannot show. */
export const DEFER_WARN_INTERVAL_NS = 60e9;
/**
 * Stand-in for BIAS_MAX, the references of a page that the pool cuts into fragments. The kernel has
 * LONG_MAX >> 1; only that it exceeds any number of fragments matters.
 */
export const FRAG_BIAS = 0x40000000;

/** enum dma_data_direction. */
export const DMA_BIDIRECTIONAL = 0;
export const DMA_TO_DEVICE = 1;
export const DMA_FROM_DEVICE = 2;

/** No node asked for: that of the CPU, which the model puts on node 0. */
export const NUMA_NO_NODE = -1;

/** struct page_pool_params. */
export interface PoolParams {
  readonly order: number;
  /** Ring entries wanted, 0 for the default. */
  readonly poolSize: number;
  /** NUMA node or {@link NUMA_NO_NODE}. */
  readonly nid: number;
  /** Device that DMA is mapped for. */
  readonly device: number;
  /** Queue whose NAPI is the pool's consumer, -1 for none. */
  readonly napi: number;
  readonly dmaDir: number;
  /** Most bytes of a chunk that the device writes. */
  readonly maxLen: number;
  readonly offset: number;
  /** Receive queue, -1 for none. */
  readonly queue: number;
  readonly flags: number;
}

/** The checks of page_pool_init, in its order, before any provider is asked: 0 or -EINVAL. */
export function checkParams(params: PoolParams): number {
  const { flags, dmaDir, maxLen } = params;
  if ((flags & ~PP_FLAG_ALL) !== 0) return -ERRNO.EINVAL;
  if ((flags & PP_FLAG_DMA_MAP) !== 0) {
    if (dmaDir !== DMA_FROM_DEVICE && dmaDir !== DMA_BIDIRECTIONAL) return -ERRNO.EINVAL;
  }
  if ((flags & PP_FLAG_DMA_SYNC_DEV) !== 0) {
    if ((flags & PP_FLAG_DMA_MAP) === 0) return -ERRNO.EINVAL;
    if (maxLen === 0) return -ERRNO.EINVAL;
  }
  return 0;
}

/** Entries of the pool's ptr_ring. */
export function ringEntries(params: PoolParams): number {
  if (params.poolSize === 0) return DEFAULT_RING_ENTRIES;
  return Math.min(params.poolSize, MAX_RING_ENTRIES);
}
