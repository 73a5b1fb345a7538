import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { createPool } from "../page-pool/create-pool.js";
import type { PagePool } from "../page-pool/page-pool.js";
import {
  DMA_BIDIRECTIONAL,
  DMA_FROM_DEVICE,
  NUMA_NO_NODE,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../page-pool/pool-params.js";
import { DEVICE, type QueueDeps, type QueueMemory } from "./queue-maker.js";

/** What a driver asks of one of its pools. */
export interface PoolWish {
  readonly poolSize: number;
  /** The pool takes over the queue's provider. */
  readonly unreadable: boolean;
  /** Headers are written into its pages too (XDP or skbs built around them). */
  readonly bidirectional: boolean;
}

/** page_pool_create for a queue: the pool, or a negative errno. */
export function queuePool(
  deps: QueueDeps,
  index: number,
  memory: QueueMemory,
  wish: PoolWish,
): PagePool | number {
  const { unreadable } = wish;
  const own = unreadable || memory.provider === null;
  const bytes = own ? memory.netmemBytes : PAGE_SIZE;
  return createPool(
    deps.pools,
    {
      // devmem knows order 0 only, whatever the size of its niovs.
      order: unreadable && memory.provider?.name === "devmem" ? 0 : Math.log2(bytes / PAGE_SIZE),
      poolSize: wish.poolSize,
      nid: NUMA_NO_NODE,
      device: DEVICE,
      napi: index,
      dmaDir: wish.bidirectional ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
      maxLen: bytes,
      offset: 0,
      queue: index,
      flags:
        PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV | (unreadable ? PP_FLAG_ALLOW_UNREADABLE_NETMEM : 0),
    },
    { pages: memory.pages, provider: memory.provider },
  );
}
