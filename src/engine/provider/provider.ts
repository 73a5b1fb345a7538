import type { NetmemVisit } from "../netmem/netmem-table.js";
import type { PoolFace } from "./pool-face.js";

/** Errno values that providers, pools and queues answer with (negative, as in the kernel). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENODATA: 61,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  ENETDOWN: 100,
  ETOOMANYREFS: 109,
  ENOTSUPP: 524,
} as const;

/** A negative errno as the kernel writes it, `-EINVAL`; its number where it has no name. */
export function errnoName(errno: number): string {
  const [name] = Object.entries(ERRNO).find(([, value]) => value === -errno) ?? [];
  return name === undefined ? String(errno) : `-${name}`;
}

/** What a provider tells netlink about a pool or a queue (page-pool-get, queue-get). */
export interface NetlinkAttributes {
  dmabuf?: number;
  ioUring?: { rxBufLen?: number };
}

/**
 * The memory provider's ops (include/net/page_pool/memory_provider.h). A pool crosses this
 * boundary only on its slow path and when it gives netmems up; `allocNetmems` may place up to 64
 * in the pool's alloc cache at once.
 */
export interface MemoryProvider {
  readonly name: string;
  /** Pool creation: 0 or a negative errno. Takes a reference on the provider. */
  init(pool: PoolFace): number;
  /** Last stage of the pool's free, after inflight hit 0. */
  destroy(pool: PoolFace): void;
  /**
   * Pool's slow path in softirq, cache empty: one netmem, more in the alloc cache, or -1.
   * Each netmem handed out had its pool set, hold_cnt raised and moved to POOL_CACHE.
   */
  allocNetmems(pool: PoolFace): number;
  /** The pool gives a netmem up. True only if the core should put_page it. */
  releaseNetmem(pool: PoolFace, netmem: number): boolean;
  /** Netlink dump: `queue` is -1 for a page-pool-get. 0 or -EMSGSIZE. */
  nlFill(answer: NetlinkAttributes, queue: number): number;
  /**
   * netdev unregister, after the devices were closed: forget the queue. True if that also cleared
   * the queue's mp_params, which zcrx does and devmem does not.
   */
  uninstall(queue: number): boolean;
  /**
   * Only in the vintage of the 2024 thread (KernelProfile.providerScrub): a pool is shut down, pull
   * back what users hold. Called first in every try to release it (page_pool_scrub).
   */
  readonly scrubPool?: ((pool: PoolFace) => void) | undefined;
  /** True once the object is gone: its memory may belong to another one. */
  readonly freed?: boolean;
  /** Netmems that the provider manages, and how many of them lie in its free list (audit). */
  readonly netmemCount: number;
  readonly freeCount: number;
  /** Netmems outside both the free list and any pool: zcrx copy fallbacks, abandoned niovs. */
  readonly outsideCount: number;
  /** Shows each netmem of the free list once (audit). */
  walkFree(visit: NetmemVisit): void;
}
