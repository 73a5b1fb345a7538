import type { VirtualClock } from "../clock/virtual-clock.js";
import { check } from "../ledger/invariant.js";
import type { Ledger } from "../ledger/ledger.js";
import {
  type NetmemVisit,
  NM_BACK_NS,
  NM_HANDED_NS,
  NM_PP_REF,
  NM_STAMPS,
  NM_STATE,
  NM_WORDS,
} from "../netmem/netmem-table.js";
import {
  DEAD,
  DRV_RING,
  POOL_CACHE,
  POOL_RING,
  PROV_FREE,
  T1,
  T2,
  T3,
  T8,
  T9,
  T10,
} from "../netmem/state.js";
import type { StageProbe } from "../probe/stages.js";
import { PAGE_REFS, type PageAllocator } from "../provider/page-allocator.js";
import type { PoolFace } from "../provider/pool-face.js";
import type { MemoryProvider } from "../provider/provider.js";
import { FragPage } from "./frag-page.js";
import { HOW_BACK } from "./how-back.js";
import {
  NEVER_NS,
  newShutdown,
  type PoolDeps,
  type PoolShutdown,
  type PoolSource,
} from "./pool-deps.js";
import * as params from "./pool-params.js";
import {
  STAT_CACHE_FULL,
  STAT_CACHED,
  STAT_EMPTY,
  STAT_FAST,
  STAT_REFILL,
  STAT_RELEASED_REFCNT,
  STAT_RING,
  STAT_RING_FULL,
  STAT_SLOW,
  STAT_SLOW_HIGH_ORDER,
  STAT_WAIVE,
} from "./pool-stats.js";
import { PtrRing } from "./ptr-ring.js";

const CACHE_SIZE = params.PP_ALLOC_CACHE_SIZE;
const CACHE_REFILL = params.PP_ALLOC_CACHE_REFILL;
/** No queue's number: direct recycling is off. */
const NO_QUEUE = -2;

/**
 * A page pool (net/core/page_pool.c).
 *
 *                  alloc()                                      putUnrefed()
 *                     ^                                              |
 *      alloc.cache [0 .. 127]  <-- direct, in the pool's NAPI -------+
 *         ^           ^                                              |
 *         | <= 64     | <= 64                                        v
 *      provider    ptr_ring  <------- any other context -------------+
 *         ^                                                          | ring full
 *         +----------------------------------------------------------+
 *
 * hold_cnt - release_cnt (u32) is the number of netmems in the pool's account, wherever they are.
 */
export class PagePool implements PoolFace {
  readonly number: number;
  readonly regress: string;
  readonly params: params.PoolParams;
  readonly order: number;
  readonly device: number;
  readonly queue: number;
  readonly fromDevice: boolean;
  dmaMap: boolean;
  dmaSync: boolean;
  dmaSyncForCpu: boolean;
  readonly provider: MemoryProvider | null;
  readonly pages: PageAllocator | null;
  /** The eleven statistics, see pool-stats.ts. */
  readonly stats: Float64Array;
  readonly ring: PtrRing;
  cacheCount = 0;
  /** NUMA node that the pool prefers (NUMA_NO_NODE: that of the CPU, node 0). */
  nid: number;
  /** pages_state_hold_cnt and pages_state_release_cnt, u32. */
  holdCnt = 0;
  releaseCnt = 0;
  /** Calls of the provider's alloc_netmems. */
  providerCalls = 0;
  /** Pages whose DMA mapping is tracked (dma_mapped). */
  dmaMapped = 0;
  /** Users of the pool; page_pool_get is one more, and the last destroy counts. */
  userCnt = 1;
  /** Runs of scrub so far; from the first on the pool serves nothing. */
  destroyCnt = 0;
  /** Producers inside the ring's lock. */
  producing = 0;
  /** True once provider.destroy ran and nothing is left. */
  freed = false;
  /** Once detached: since when (model time, seconds since the start), next try and warning. */
  readonly shutdown: PoolShutdown = newShutdown();
  /** The page that is being cut into fragments. */
  readonly frag: FragPage;

  readonly #cache = new Int32Array(CACHE_SIZE);
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;
  readonly #cpu: PoolDeps["cpu"];
  readonly #stages: StageProbe;
  readonly #words: Int32Array;
  readonly #stamps: Float64Array;
  readonly #pageRefs: Uint8Array;
  readonly #costs: PoolDeps["costs"];
  /** Queue whose NAPI may recycle directly (page_pool_napi_local), {@link NO_QUEUE} for none. */
  #directQueue: number;

  /** Use createPool (create-pool.ts), which makes the kernel's checks. */
  constructor(
    number: number,
    wanted: params.PoolParams,
    source: PoolSource,
    deps: PoolDeps,
    stats: Float64Array,
  ) {
    this.number = number;
    this.regress = deps.regress ?? "";
    this.params = wanted;
    this.order = wanted.order;
    this.device = wanted.device;
    this.queue = wanted.queue;
    this.fromDevice = wanted.dmaDir === params.DMA_FROM_DEVICE;
    this.dmaMap = (wanted.flags & params.PP_FLAG_DMA_MAP) !== 0;
    this.dmaSync = (wanted.flags & params.PP_FLAG_DMA_SYNC_DEV) !== 0;
    this.dmaSyncForCpu = this.dmaMap;
    this.provider = source.provider;
    this.pages = source.pages;
    this.stats = stats;
    this.ring = new PtrRing(params.ringEntries(wanted));
    this.frag = new FragPage(this, deps.ledger);
    this.#ledger = deps.ledger;
    this.#clock = deps.clock;
    this.#cpu = deps.cpu;
    this.#stages = deps.stages;
    this.#words = deps.table.words;
    this.#stamps = deps.table.stamps;
    this.#pageRefs = deps.table.pageRefs;
    this.#costs = deps.costs;
    this.nid = Math.max(wanted.nid, 0);
    this.#directQueue = wanted.napi >= 0 ? wanted.napi : NO_QUEUE;
  }

  /**
   * page_pool_alloc_netmems: a netmem for a driver's slot with pp_ref_count 1, all the driver's
   * (T2), or -1. Runs in the pool's NAPI, or while that is off. `fast` counts cache hits.
   */
  alloc(): number {
    let n: number;
    if (this.cacheCount > 0) {
      n = this.#cache[--this.cacheCount]!;
      this.stats[STAT_FAST]!++;
      this.#cpu.spentNs += this.#costs.poolFastNs;
    } else {
      n = this.#refill();
      if (n < 0) return -1;
    }
    this.#handOut(n);
    return n;
  }

  /** A drained fragment page is used again in place: `cached` and `fast`. */
  reuse(n: number): void {
    this.stampBack(n);
    this.#ledger.move(n, POOL_CACHE, this.howBack(n));
    this.stats[STAT_CACHED]!++;
    this.stats[STAT_FAST]!++;
    this.#handOut(n);
  }

  /** page_pool_put_unrefed_netmem: the last reference was put. To cache, ring or provider. */
  putUnrefed(n: number): void {
    this.put(n, this.howBack(n), this.direct);
  }

  /** page_pool_recycle_direct: the driver gives up what it never handed up (T8), to the cache. */
  recycleDirect(n: number): void {
    check(this.destroyCnt === 0, 26, "a driver recycled directly into a destroyed pool");
    if (this.#ledger.drain(n)) this.put(n, T8, true);
  }

  /** page_pool_put_netmem: the driver gives up all its references, in whatever context. */
  putNetmem(n: number): void {
    if (this.#ledger.drain(n)) this.putUnrefed(n);
  }

  /** __page_pool_put_page and what follows it. `cached`, `cache_full`, `ring`, `ring_full`. */
  put(n: number, how: number, direct: boolean): void {
    if (this.#pageRefs[n] !== 1) {
      this.releaseShared(n);
      return;
    }
    this.stampBack(n);
    if (direct) {
      if (this.cacheCount < CACHE_SIZE) {
        this.#ledger.move(n, POOL_CACHE, how);
        this.#cache[this.cacheCount++] = n;
        this.stats[STAT_CACHED]!++;
        return;
      }
      this.stats[STAT_CACHE_FULL]!++;
    }
    if (this.ring.produce(n)) {
      this.#ledger.move(n, POOL_RING, how);
      this.stats[STAT_RING]!++;
    } else {
      this.stats[STAT_RING_FULL]!++;
      this.returnNetmem(n, T9);
    }
  }

  /** page_pool_napi_local: whether this context may put into the alloc cache. */
  get direct(): boolean {
    return this.#cpu.napiQueue === this.#directQueue;
  }

  /** __page_pool_page_can_be_recycled: always true for a net_iov. */
  recyclable(n: number): boolean {
    return this.#pageRefs[n] === 1;
  }

  /** PoolFace.hold. */
  hold(n: number, how: number): void {
    this.#words[n * NM_WORDS + NM_PP_REF] = 1;
    this.#ledger.setPool(n, this.number);
    this.#ledger.move(n, POOL_CACHE, how);
    this.holdCnt = (this.holdCnt + 1) >>> 0;
  }

  /** PoolFace.placeInCache. */
  placeInCache(n: number): void {
    check(this.cacheCount < CACHE_SIZE, 15, "alloc cache overrun");
    this.#cache[this.cacheCount++] = n;
  }

  /** PoolFace.takeFromCache. */
  takeFromCache(): number {
    return this.cacheCount > 0 ? this.#cache[--this.cacheCount]! : -1;
  }

  /** PoolFace.reclaim. */
  reclaim(n: number, how: number, givenBackNs: number): void {
    this.stampBack(n);
    this.#stamps[n * NM_STAMPS + NM_BACK_NS] = givenBackNs;
    this.#ledger.move(n, POOL_CACHE, how);
    this.placeInCache(n);
  }

  /** PoolFace.forget. */
  forget(n: number, how: number): void {
    this.#ledger.move(n, PROV_FREE, how);
    this.#ledger.setPool(n, 0);
  }

  /** PoolFace.abandon. */
  abandon(n: number, how: number): void {
    this.#ledger.move(n, DEAD, how);
    this.#ledger.setPool(n, 0);
  }

  /** PoolFace.fail. */
  fail(n: number, invariant: number | string, message: string): never {
    this.#ledger.fail(n, invariant, message);
  }

  /** hold_cnt - release_cnt; below 0 only after a double put. */
  get inflight(): number {
    return (this.holdCnt - this.releaseCnt) | 0;
  }

  /** Shows the alloc cache. */
  walkCache(visit: NetmemVisit): void {
    visit(this.#cache, this.cacheCount, 0);
  }

  /** page_pool_disable_direct_recycling: the NAPI must be off. */
  disableDirect(): void {
    this.#directQueue = NO_QUEUE;
  }

  /** page_pool_enable_direct_recycling for the NAPI of queue `napi`. */
  enableDirect(napi: number): void {
    this.#directQueue = napi;
  }

  /** page_pool_refill_alloc_cache, then the slow path. `empty`, `refill`, `waive`. */
  #refill(): number {
    if (this.ring.empty) {
      this.stats[STAT_EMPTY]!++;
      return this.#slow();
    }
    const { pages } = this;
    do {
      const n = this.ring.consume();
      if (n < 0) break;
      if (pages !== null && !pages.near(n, this.nid)) {
        this.returnNetmem(n, T9);
        this.stats[STAT_WAIVE]!++;
        break;
      }
      this.#ledger.move(n, POOL_CACHE, T3);
      this.#cache[this.cacheCount++] = n;
    } while (this.cacheCount < CACHE_REFILL);
    if (this.cacheCount === 0) return this.#slow();
    this.stats[STAT_REFILL]!++;
    this.#cpu.spentNs += this.#costs.poolRefillNs;
    return this.#cache[--this.cacheCount]!;
  }

  /** Provider, one high-order page, or a bulk of 64 pages. `slow`, `slow_high_order`. */
  #slow(): number {
    check(this.destroyCnt === 0, 26, "a destroyed pool was asked for a netmem");
    this.#cpu.spentNs += this.#costs.poolSlowNs;
    if (this.provider !== null) {
      this.providerCalls++;
      return this.provider.allocNetmems(this);
    }
    const bulk = this.order > 0 ? 1 : CACHE_REFILL;
    while (this.cacheCount < bulk) {
      const n = this.pages!.take(this.nid);
      if (n < 0) break;
      if (this.dmaMap) this.dmaMapped++;
      this.hold(n, T1);
      this.#cache[this.cacheCount++] = n;
    }
    if (this.cacheCount === 0) return -1;
    this.stats[this.order > 0 ? STAT_SLOW_HIGH_ORDER : STAT_SLOW]!++;
    return this.#cache[--this.cacheCount]!;
  }

  /** A page that somebody else holds too, or from the reserves: `released_refcnt`, T10. */
  releaseShared(n: number): void {
    check(this.provider === null, 20, "released_refcnt on a net_iov");
    this.stats[STAT_RELEASED_REFCNT]!++;
    this.stampBack(n);
    this.returnNetmem(n, T10);
  }

  /** page_pool_return_netmem: provider or page first, then release_cnt. */
  returnNetmem(n: number, how: number): void {
    if (this.provider !== null) {
      check(!this.provider.releaseNetmem(this, n), 22, "a provider asked for put_page of a niov");
      this.releaseCnt = (this.releaseCnt + 1) >>> 0;
      return;
    }
    if (this.dmaMapped > 0) this.dmaMapped--;
    this.releaseCnt = (this.releaseCnt + 1) >>> 0;
    const refs = this.#pageRefs[n]!;
    if (refs === 1) {
      this.forget(n, how);
      this.pages!.put(n);
    } else {
      this.abandon(n, how);
      this.#pageRefs[n] = (refs & PAGE_REFS) - 1;
    }
  }

  /** Checks that the last put left one reference; stamps the way back, records `lifetime`. */
  stampBack(n: number): void {
    const at = n * NM_STAMPS;
    if (this.#words[n * NM_WORDS + NM_PP_REF] !== 1) {
      this.#ledger.fail(n, 12, "a netmem came back to its pool with references left");
    }
    if (this.#stages.on) {
      this.#stages.lifetime.recordSince(this.#stamps, at + NM_HANDED_NS, this.#clock);
    }
    this.#stamps[at + NM_BACK_NS] = this.#clock.nowNs;
  }

  /** The transition by which a netmem comes back, from the state it is in. */
  howBack(n: number): number {
    return HOW_BACK[this.#words[n * NM_WORDS + NM_STATE]!]!;
  }

  #handOut(n: number): void {
    this.#ledger.post(n, 1);
    this.#ledger.move(n, DRV_RING, T2);
    const at = n * NM_STAMPS;
    if (this.#stamps[at + NM_BACK_NS] !== NEVER_NS && this.#stages.on) {
      this.#stages.pool.recordSince(this.#stamps, at + NM_BACK_NS, this.#clock);
    }
    this.#stamps[at + NM_HANDED_NS] = this.#clock.nowNs;
  }
}
