import type { Rebased, VirtualClock } from "../clock/virtual-clock.js";
import type { KernelProfile } from "../kernel/profile.js";
import { check } from "../ledger/invariant.js";
import type { Ledger } from "../ledger/ledger.js";
import { type NetmemTable, NM_POOL, NM_PP_REF, NM_USER, NM_WORDS } from "../netmem/netmem-table.js";
import { APP_FALLBACK, PROV_FREE, Z1, Z3, Z4, Z5, Z6, Z7, Z8, Z9 } from "../netmem/state.js";
import type { PoolFace, PoolReturn } from "./pool-face.js";
import { ERRNO, type MemoryProvider, type NetlinkAttributes } from "./provider.js";
import type { ZcrxArea } from "./zcrx-area.js";
import { RQE_OFF_HIGH, RQE_OFF_LOW, RQE_PAD, type ZcrxRefillRing } from "./zcrx-refill-ring.js";

/** PP_ALLOC_CACHE_REFILL: most entries of one refill, most niovs taken from the freelist. */
const REFILL = 64;
/** ZCRX_FLUSH_BATCH: entries of one pass of FLUSH_RQ. */
const FLUSH_BATCH = 32;
/** Notification events. */
export const ZCRX_EVENT_ALLOC_FAIL = 0;
export const ZCRX_EVENT_COPY = 1;

/** What an instance works with. */
export interface ZcrxDeps {
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly profile: KernelProfile;
  /** Where netmems go that some pool holds. */
  readonly back: PoolReturn;
}

/**
 * A zcrx instance (io_uring/zcrx.c, struct io_zcrx_ifq): area, refill ring, and the provider of the
 * pools of its queue.
 *
 *      freelist --Z1--> pool --> driver --> skb --Z2--> application
 *         |  ^           ^                                  |  RQE
 *         |  +---Z8------+<-----Z4 own pool, cache----------+
 *         |  +<-----------------Z5 fallback-----------------+
 *         +---Z3--> copy fallback -------------------------^
 *
 * `refs` are the instance's (itself, pools); `userRefs` those of rings and exported descriptors.
 */
export class ZcrxIfq implements MemoryProvider, Rebased {
  readonly name = "zcrx";
  readonly area: ZcrxArea;
  readonly ring: ZcrxRefillRing;
  /** Device of the queue, -1 once it was unregistered. */
  device: number;
  /** The queue, -1 while it is not open. */
  queue: number;
  refs = 1;
  userRefs = 1;
  freed = false;
  /** struct zcrx_stats. */
  copyCount = 0;
  copyBytes = 0;
  /** Netmems handed out as copy fallbacks. */
  outsideCount = 0;
  /** RQEs consumed without effect: malformed, or without a user reference to give. */
  rejectedRqes = 0;
  /** Events: armed, and how often each fired. */
  readonly armed: [boolean, boolean] = [true, true];
  readonly fired: [number, number] = [0, 0];
  /** Close of the queue, terminate and unregister ran. */
  terminated = false;
  unregistered = false;
  readonly #deps: ZcrxDeps;
  readonly #words: Int32Array;

  constructor(
    area: ZcrxArea,
    ring: ZcrxRefillRing,
    place: { readonly device: number; readonly queue: number },
    deps: ZcrxDeps,
  ) {
    this.area = area;
    this.ring = ring;
    this.device = place.device;
    this.queue = place.queue;
    this.#deps = deps;
    this.#words = deps.table.words;
    area.mapped = deps.profile.zcrxMapAtArea;
    deps.clock.follow(this);
  }

  /** io_pp_zc_init. -EINVAL: freed, other device, other size; -EOPNOTSUPP: no map, direction. */
  init(pool: PoolFace): number {
    if (this.freed) return -ERRNO.EINVAL;
    if (pool.device !== this.device) return -ERRNO.EINVAL;
    if (!pool.dmaMap) return -ERRNO.EOPNOTSUPP;
    if (pool.order + 12 !== this.area.niovShift) return this.#wrongSize(pool);
    if (!pool.fromDevice) return -ERRNO.EOPNOTSUPP;
    this.area.mapped = true;
    this.refs++;
    return 0;
  }

  /** io_pp_zc_destroy. */
  destroy(): void {
    this.#put();
  }

  /** io_pp_zc_alloc_netmems: the refill ring first; the freelist only if that gave nothing. */
  allocNetmems(pool: PoolFace): number {
    if (pool.cacheCount === 0) {
      this.#ringRefill(pool);
      if (pool.cacheCount === 0) this.#refillSlow(pool);
    }
    if (pool.cacheCount === 0) this.#notify(ZCRX_EVENT_ALLOC_FAIL);
    return pool.takeFromCache();
  }

  /** io_pp_zc_release_netmem (Z8). */
  releaseNetmem(pool: PoolFace, netmem: number): boolean {
    pool.forget(netmem, Z8);
    this.area.give(netmem);
    return false;
  }

  /** io_pp_nl_fill; rx-buf-len since 7.1. */
  nlFill(answer: NetlinkAttributes, _queue: number): number {
    const { zcrxTeardown } = this.#deps.profile;
    const newest = zcrxTeardown === "terminate-unregister";
    answer.ioUring = newest ? { rxBufLen: 2 ** this.area.niovShift } : {};
    return 0;
  }

  /** io_pp_uninstall: areas unmapped, device and queue forgotten. */
  uninstall(_queue: number): void {
    this.area.mapped = false;
    this.device = -1;
    this.queue = -1;
  }

  get netmemCount(): number {
    return this.area.count;
  }

  get freeCount(): number {
    return this.area.freeCount;
  }

  walkFree(visit: (netmem: number) => void): void {
    this.area.walkFree(visit);
  }

  /**
   * io_alloc_fallback_niov: a niov for copied bytes, with one user reference and no pool (Z3); -1
   * when the freelist is empty or no CPU may write to the area.
   */
  allocFallback(bytes: number): number {
    const n = this.area.userMemory ? this.area.take() : -1;
    if (n < 0) return -1;
    const at = n * NM_WORDS;
    this.#words[at + NM_PP_REF] = 1;
    this.#words[at + NM_USER] = 1;
    this.#deps.ledger.move(n, APP_FALLBACK, Z3);
    this.outsideCount++;
    this.copyCount++;
    this.copyBytes += bytes;
    this.#notify(ZCRX_EVENT_COPY);
    return n;
  }

  /** ZCRX_CTRL_ARM_EVENT: -EINVAL for an unknown event or one that has not fired. */
  armEvent(event: number): number {
    if (event !== ZCRX_EVENT_ALLOC_FAIL && event !== ZCRX_EVENT_COPY) return -ERRNO.EINVAL;
    if (this.armed[event]) return -ERRNO.EINVAL;
    this.armed[event] = true;
    return 0;
  }

  /**
   * ZCRX_CTRL_FLUSH_RQ (Z9): consumes the ring in passes of 32, each ending at a malformed entry,
   * and no more than its size in all. Never into a cache. Returns the entries consumed.
   */
  flushRq(): number {
    let total = 0;
    let nr = FLUSH_BATCH;
    while (nr === FLUSH_BATCH && total < this.ring.size) {
      nr = this.#flushPass();
      total += nr;
    }
    return total;
  }

  /**
   * Netmems of a pool all of whose references wait in the refill ring as entries not yet consumed.
   * Copy fallbacks wait there too, but belong to no pool.
   */
  returning(): number {
    const waiting = new Map<number, number>();
    const { ring, rejectedRqes } = this;
    for (let i = 0; i < ring.pending; i++) {
      const n = this.#parse(ring.peek(i));
      if (n >= 0) waiting.set(n, (waiting.get(n) ?? 0) + 1);
    }
    this.rejectedRqes = rejectedRqes;
    let found = 0;
    for (const [n, nr] of waiting) {
      const at = n * NM_WORDS;
      if (this.#words[at + NM_POOL] !== 0 && this.#words[at + NM_PP_REF] === nr) found++;
    }
    return found;
  }

  /** io_zcrx_scrub (Z7): takes back every user reference. A second one finds nothing. */
  scrub(): void {
    const { ledger } = this.#deps;
    for (let n = this.area.first; n < this.area.first + this.area.count; n++) {
      const nr = this.#words[n * NM_WORDS + NM_USER]!;
      if (nr > 0 && ledger.userPut(n, nr, Z7)) this.#returnNiov(n, Z7);
    }
  }

  /**
   * Ring exit, first step (io_terminate_zcrx, or io_shutdown_zcrx_ifqs before 7.1): closes the
   * queue through `close` and takes user references back, in the profile's order.
   */
  terminate(close: () => void): void {
    check(!this.terminated, 52, "a zcrx instance was terminated twice");
    this.terminated = true;
    if (--this.userRefs > 0) return;
    if (this.#deps.profile.zcrxTeardown === "scrub-close") {
      this.scrub();
      this.#closeQueue(close);
    } else {
      this.#closeQueue(close);
      this.scrub();
    }
  }

  /**
   * Ring exit, last step (io_unregister_zcrx): scrubs what requests in flight took meanwhile (since
   * 7.1), and drops the instance's own reference.
   */
  unregister(): void {
    check(this.terminated && !this.unregistered, 52, "unregister without terminate, or twice");
    this.unregistered = true;
    const twice = this.#deps.profile.zcrxTeardown === "terminate-unregister";
    if (twice && this.userRefs === 0) this.scrub();
    this.#put();
  }

  rebase(deltaNs: number): void {
    this.ring.rebase(deltaNs);
  }

  /** Pool order and niov size differ; before 7.0 any higher order was refused as unsupported. */
  #wrongSize(pool: PoolFace): number {
    const old = !this.#deps.profile.rxPageSize && pool.order !== 0;
    return old ? -ERRNO.EOPNOTSUPP : -ERRNO.EINVAL;
  }

  /** io_close_queue; does nothing once the device is gone. Areas are unmapped with it since 7.1. */
  #closeQueue(close: () => void): void {
    if (this.queue < 0) return;
    close();
    if (this.#deps.profile.zcrxTeardown === "terminate-unregister") this.area.mapped = false;
    this.queue = -1;
  }

  #put(): void {
    check(this.refs > 0, 25, "zcrx instance put too often");
    if (--this.refs > 0) return;
    this.freed = true;
    this.area.mapped = false;
  }

  /** io_zcrx_ring_refill: at most 64 entries; the own pool's niovs go to its alloc cache. */
  #ringRefill(pool: PoolFace): void {
    const { ring } = this;
    let left = Math.min(ring.pending, REFILL);
    if (left === 0) return;
    const merge = this.#deps.profile.zcrxRefillMerge;
    let run = -1;
    let nr = 0;
    let postedNs = 0;
    for (; left > 0; left--) {
      const entry = ring.take();
      const n = this.#parse(entry);
      if (n !== run || !merge) {
        if (nr > 0) this.#putRun(pool, run, nr, postedNs);
        run = n;
        nr = 0;
      }
      if (n >= 0) nr++;
      postedNs = ring.postedNs[entry]!;
    }
    if (nr > 0) this.#putRun(pool, run, nr, postedNs);
    ring.storeHead();
  }

  /** `nr` user references of niov `n` come back in one decrement, or none if there are fewer. */
  #putRun(pool: PoolFace, n: number, nr: number, postedNs: number): void {
    const at = n * NM_WORDS;
    if (this.#words[at + NM_USER]! < nr) {
      this.rejectedRqes += nr;
      return;
    }
    if (!this.#deps.ledger.userPut(n, nr, Z6)) return;
    if (this.#words[at + NM_POOL] === pool.number) pool.reclaim(n, Z4, postedNs);
    else this.#returnNiov(n, Z5);
  }

  /** io_zcrx_refill_slow (Z1). */
  #refillSlow(pool: PoolFace): void {
    while (pool.cacheCount < REFILL) {
      const n = this.area.take();
      if (n < 0) break;
      pool.hold(n, Z1);
      pool.placeInCache(n);
    }
  }

  /** io_parse_rqe: the netmem that an entry names, -1 for a malformed one. */
  #parse(entry: number): number {
    const { words } = this.ring;
    const at = this.ring.wordOf(entry);
    const high = words[at + RQE_OFF_HIGH]!;
    if (words[at + RQE_PAD] !== 0 || high >>> 16 !== 0) return this.#reject();
    const shift = this.area.niovShift;
    // Niov index: bits of the 48-bit offset above the shift. More than 31 bits are out of range.
    if (high >>> shift !== 0) return this.#reject();
    const index = ((words[at + RQE_OFF_LOW]! >>> shift) | (high << (32 - shift))) >>> 0;
    return index < this.area.count ? this.area.first + index : this.#reject();
  }

  #reject(): number {
    this.rejectedRqes++;
    return -1;
  }

  /** zcrx_parse_rq and zcrx_return_buffers for one pass; entries that were well-formed. */
  #flushPass(): number {
    const { ring } = this;
    const batch = new Int32Array(FLUSH_BATCH);
    const most = Math.min(FLUSH_BATCH, ring.pending);
    let nr = 0;
    while (nr < most) {
      const n = this.#parse(ring.take());
      if (n < 0) break;
      batch[nr++] = n;
    }
    ring.storeHead();
    for (let i = 0; i < nr; i++) {
      const n = batch[i]!;
      if (this.#words[n * NM_WORDS + NM_USER]! < 1) this.#reject();
      else if (this.#deps.ledger.userPut(n, 1, Z9)) this.#returnNiov(n, Z9);
    }
    return nr;
  }

  /** io_zcrx_return_niov: to the freelist without a pool, else to the pool that holds it. */
  #returnNiov(n: number, how: number): void {
    if (this.#words[n * NM_WORDS + NM_POOL] !== 0) {
      this.#deps.back.putBy(n, how);
      return;
    }
    this.#deps.ledger.move(n, PROV_FREE, how);
    this.outsideCount--;
    this.area.give(n);
  }

  /** One-shot notification. */
  #notify(event: 0 | 1): void {
    if (!this.armed[event]) return;
    this.armed[event] = false;
    this.fired[event]++;
  }
}
