import type { Rebased } from "../clock/virtual-clock.js";
import { type NetmemVisit, NM_POOL, NM_PP_REF, NM_USER, NM_WORDS } from "../netmem/netmem-table.js";
import { APP_FALLBACK, PROV_FREE, Z1, Z3, Z4, Z5, Z6, Z7, Z8, Z9 } from "../netmem/state.js";
import type { PoolFace } from "./pool-face.js";
import { ERRNO, type MemoryProvider, type NetlinkAttributes } from "./provider.js";
import type { ZcrxArea } from "./zcrx-area.js";
import { ZcrxAreas } from "./zcrx-areas.js";
import type { ZcrxDeps } from "./zcrx-deps.js";
import { ZcrxInstance } from "./zcrx-instance.js";
import type { ZcrxRefillRing } from "./zcrx-refill-ring.js";
import { ZcrxRqes } from "./zcrx-rqes.js";

/** PP_ALLOC_CACHE_REFILL: most entries of one refill, most niovs taken from the freelist. */
const REFILL = 64;
/** ZCRX_FLUSH_BATCH: entries of one pass of FLUSH_RQ. */
const FLUSH_BATCH = 32;
/** Notification events. */
export const ZCRX_EVENT_ALLOC_FAIL = 0;
export const ZCRX_EVENT_COPY = 1;

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
 * Who keeps it alive, and how it ends: zcrx-instance.ts.
 */
export class ZcrxIfq extends ZcrxInstance implements MemoryProvider, Rebased {
  readonly name = "zcrx";
  /** The area of the registration, and all areas by id. */
  readonly area: ZcrxArea;
  readonly areas: ZcrxAreas;
  readonly ring: ZcrxRefillRing;
  /** Device of the queue, -1 once it was unregistered. */
  device: number;
  /** struct zcrx_stats. */
  copyCount = 0;
  copyBytes = 0;
  /** Netmems handed out as copy fallbacks. */
  outsideCount = 0;
  /** Events: armed, and how often each fired. */
  readonly armed: [boolean, boolean] = [true, true];
  readonly fired: [number, number] = [0, 0];
  /** MemoryProvider.scrubPool: io_zcrx_scrub as a provider op, in the thread's vintage only. */
  readonly scrubPool: (() => void) | undefined;
  /**
   * Runs between the read of a user count and what is then done to it, as another CPU would: the
   * window of CVE-2026-43121. Null where no race is staged.
   */
  race: ((netmem: number) => void) | null = null;
  /** Messages of the kernel log. */
  readonly warnings: string[] = [];
  /** rq_lock is held by a refill; a flush that waits for it. */
  #refilling = false;
  #flushWaits = false;
  readonly #regress: string;
  readonly #rqes: ZcrxRqes;
  readonly #deps: ZcrxDeps;
  readonly #words: Int32Array;

  constructor(
    area: ZcrxArea,
    ring: ZcrxRefillRing,
    place: { readonly device: number; readonly queue: number },
    deps: ZcrxDeps,
  ) {
    super(place.queue, deps);
    this.area = area;
    this.areas = new ZcrxAreas(area);
    this.ring = ring;
    this.#regress = deps.profile.regress;
    this.#rqes = new ZcrxRqes(ring, this.areas, deps.table, this.#regress === "F35");
    this.scrubPool = deps.profile.providerScrub ? () => this.scrub() : undefined;
    this.device = place.device;
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
    this.areas.mapped = true;
    this.refs++;
    return 0;
  }

  /** io_pp_zc_destroy. */
  destroy(): void {
    if (this.#regress === "F13" && this.freeCount !== this.netmemCount) {
      this.warnings.push("zcrx: niovs are still out at the end of a pool");
    }
    this.put();
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
    this.areas.give(netmem);
    return false;
  }

  /** io_pp_nl_fill; rx-buf-len since 7.1. */
  nlFill(answer: NetlinkAttributes, _queue: number): number {
    const { zcrxTeardown } = this.#deps.profile;
    const newest = zcrxTeardown === "terminate-unregister";
    answer.ioUring = newest ? { rxBufLen: 2 ** this.area.niovShift } : {};
    return 0;
  }

  /** io_pp_uninstall: areas unmapped, device and queue forgotten; the thread had no such op. */
  uninstall(_queue: number): boolean {
    if (this.#deps.profile.providerScrub) return false;
    // Before f12ecf5e1c5e the areas stayed mapped until the instance was freed.
    if (this.#regress !== "F3") this.areas.mapped = false;
    this.device = -1;
    this.queue = -1;
    return true;
  }

  get netmemCount(): number {
    return this.areas.count;
  }

  get freeCount(): number {
    return this.areas.freeCount;
  }

  walkFree(visit: NetmemVisit): void {
    for (const area of this.areas.list) area.walkFree(visit);
  }

  /** RQEs consumed without effect: malformed, or without a user reference to give. */
  get rejectedRqes(): number {
    return this.#rqes.rejected;
  }

  /**
   * ZCRX_CTRL_ADD_AREA: 0, -EOPNOTSUPP where instances have one area (no such op), -EFAULT once the
   * queue is closed or its device gone, -EINVAL for another niov size, for a dma-buf beside user
   * memory, and beyond the areas that the vintage allows (io_zcrx_append_area).
   */
  addArea(area: ZcrxArea): number {
    const { profile } = this.#deps;
    if (profile.zcrxAreas === 1) return -ERRNO.EOPNOTSUPP;
    if (this.device < 0 || this.queue < 0) return -ERRNO.EFAULT;
    if (area.niovShift !== this.area.niovShift) return -ERRNO.EINVAL;
    if (area.userMemory !== this.area.userMemory) return -ERRNO.EINVAL;
    if (this.areas.list.length === profile.zcrxAreas) return -ERRNO.EINVAL;
    area.mapped = this.area.mapped;
    this.areas.list.push(area);
    return 0;
  }

  /**
   * io_alloc_fallback_niov: a niov for copied bytes, with one user reference and no pool (Z3); -1
   * when the freelist is empty or no CPU may write to the area.
   */
  allocFallback(bytes: number): number {
    const n = this.area.userMemory ? this.areas.take() : -1;
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
    if (this.#refilling && this.#regress !== "F11") {
      // rq_lock (af07330e28ad): the refill ends first.
      this.#flushWaits = true;
      return 0;
    }
    let total = 0;
    let nr = FLUSH_BATCH;
    while (nr === FLUSH_BATCH && total < this.ring.size) {
      nr = this.#flushPass();
      total += nr;
    }
    return total;
  }

  /** Netmems of a pool that come back with the entries that wait in the refill ring. */
  returning(): number {
    return this.#rqes.returning();
  }

  /** io_zcrx_scrub (Z7): takes back every user reference. A second one finds nothing. */
  scrub(): void {
    const { ledger } = this.#deps;
    for (const { first, count } of this.areas.list) {
      for (let n = first; n < first + count; n++) {
        const nr = this.#words[n * NM_WORDS + NM_USER]!;
        if (nr > 0 && ledger.userPut(n, nr, Z7)) this.#returnNiov(n, Z7);
      }
    }
  }

  rebase(deltaNs: number): void {
    this.ring.rebase(deltaNs);
  }

  /** Pool order and niov size differ; before 7.0 any higher order was refused as unsupported. */
  #wrongSize(pool: PoolFace): number {
    const old = !this.#deps.profile.rxPageSize && pool.order !== 0;
    return old ? -ERRNO.EOPNOTSUPP : -ERRNO.EINVAL;
  }

  /** io_zcrx_ring_refill: at most 64 entries; the own pool's niovs go to its alloc cache. */
  #ringRefill(pool: PoolFace): void {
    const { ring } = this;
    let left = Math.min(ring.pending, REFILL);
    if (left === 0) return;
    this.#refilling = true;
    const merge = this.#deps.profile.zcrxRefillMerge;
    let run = -1;
    let nr = 0;
    let postedNs = 0;
    for (; left > 0; left--) {
      const entry = ring.take();
      const n = this.#rqes.parse(entry);
      // A malformed entry between two of one niov does not part them (io_zcrx_ring_refill).
      if (n < 0 && merge) continue;
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
    this.#refilling = false;
    if (this.#flushWaits) {
      this.#flushWaits = false;
      this.flushRq();
    }
  }

  /** `nr` user references of niov `n` come back in one decrement, or none if there are fewer. */
  #putRun(pool: PoolFace, n: number, nr: number, postedNs: number): void {
    const at = n * NM_WORDS;
    if (this.#usersOf(n, at) < nr) {
      this.#rqes.rejected += nr;
      // A model that strands the niov: its references are forgotten, and nobody puts them.
      if (this.#regress === "F34") this.#words[at + NM_USER] = 0;
      return;
    }
    if (!this.#deps.ledger.userPut(n, nr, Z6)) return;
    if (this.#words[at + NM_POOL] === pool.number) pool.reclaim(n, Z4, postedNs);
    else this.#returnNiov(n, Z5);
  }

  /** io_zcrx_refill_slow (Z1). */
  #refillSlow(pool: PoolFace): void {
    while (pool.cacheCount < REFILL) {
      const n = this.areas.take();
      if (n < 0) break;
      pool.hold(n, Z1);
      pool.placeInCache(n);
    }
  }

  /**
   * User references of a niov as io_zcrx_put_niov_uref sees them. The racy vintage acts on what it
   * read even if a scrub took the references meanwhile; a cmpxchg that fails reads again.
   */
  #usersOf(n: number, at: number): number {
    const users = this.#words[at + NM_USER]!;
    if (this.race === null) return users;
    this.race(n);
    return this.#deps.profile.zcrxUrefAtomic ? this.#words[at + NM_USER]! : users;
  }

  /** zcrx_parse_rq and zcrx_return_buffers for one pass; entries that were well-formed. */
  #flushPass(): number {
    const { ring } = this;
    const batch = new Int32Array(FLUSH_BATCH);
    const most = Math.min(FLUSH_BATCH, ring.pending);
    let nr = 0;
    while (nr < most) {
      const n = this.#rqes.parse(ring.take());
      if (n < 0) break;
      batch[nr++] = n;
    }
    ring.storeHead();
    for (let i = 0; i < nr; i++) {
      const n = batch[i]!;
      const users = this.#usersOf(n, n * NM_WORDS);
      // Before 770594e78c39 nothing kept free_count below num_niovs.
      if (users < 1 && this.#regress === "F2") this.#returnNiov(n, Z9);
      else if (users < 1) this.#rqes.reject();
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
    this.areas.give(n);
  }

  /** One-shot notification. */
  #notify(event: 0 | 1): void {
    if (!this.armed[event]) return;
    this.armed[event] = false;
    this.fired[event]++;
  }
}
