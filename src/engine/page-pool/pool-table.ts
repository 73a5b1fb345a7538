import type { Rebased } from "../clock/virtual-clock.js";
import { check } from "../ledger/invariant.js";
import { TASK_OTHER, TASK_RETRY } from "../netmem/netmem-return.js";
import { NM_POOL, NM_WORDS } from "../netmem/netmem-table.js";
import type { PoolReturn } from "../provider/pool-face.js";
import { ERRNO, type MemoryProvider } from "../provider/provider.js";
import type { PagePool } from "./page-pool.js";
import { auditPools } from "./pool-audit.js";
import type { PoolDeps } from "./pool-deps.js";
import { destroyPool, passTries, retryPool } from "./pool-release.js";
import { STATS } from "./pool-stats.js";

/**
 * All page pools of a receive path, by number; and the way back for every netmem.
 *
 *      desc.pp --> pools   [ - ][ 1 ][ 2 ][ 3 ] ...       0 is "no pool"
 *                                  |
 *                        detached, tried again each second until inflight is 0
 *
 * It also owns the table's time stamps: when the clock's epoch moves, they move here.
 */
export class PoolTable implements PoolReturn, Rebased {
  readonly deps: PoolDeps;
  /** Pools by number; freed ones stay, for their statistics. */
  readonly pools: Array<PagePool | null> = [null];
  /** The statistics that all system pools share. */
  readonly systemStats = new Float64Array(STATS);
  /** Messages of the kernel log, oldest first. */
  readonly warnings: string[] = [];
  /** Model time of the next try to free a detached pool, Infinity for none. */
  nextRetryNs = Number.POSITIVE_INFINITY;
  readonly #words: Int32Array;

  constructor(deps: PoolDeps) {
    this.deps = deps;
    this.#words = deps.table.words;
    deps.clock.follow(this);
  }

  /** Number of the next pool. */
  get nextNumber(): number {
    return this.pools.length;
  }

  /** page_pool_list: the pool gets its place. */
  add(pool: PagePool): void {
    this.pools.push(pool);
    this.deps.ledger.openPool(pool.number);
  }

  /** NetmemReturn.putUnrefed: to the pool in `desc.pp`. */
  putUnrefed(n: number): void {
    const pool = this.pools[this.#words[n * NM_WORDS + NM_POOL]!]!;
    if (pool === null) this.deps.ledger.fail(n, 30, "put of a netmem that no pool holds");
    pool.putUnrefed(n);
  }

  /** PoolReturn.putBy. */
  putBy(n: number, how: number): void {
    const pool = this.pools[this.#words[n * NM_WORDS + NM_POOL]!]!;
    if (pool === null) this.deps.ledger.fail(n, 30, "put of a netmem that no pool holds");
    pool.put(n, how, pool.direct);
  }

  /** page_pool_destroy of a pool: freed at once, or detached and tried again each second. */
  destroy(pool: PagePool): void {
    check(this.pools[pool.number] === pool, 25, "destroy of a stranger's pool");
    if (destroyPool(pool, this.deps.clock) && pool.shutdown.retryNs < this.nextRetryNs) {
      this.nextRetryNs = pool.shutdown.retryNs;
    }
  }

  /**
   * Tries to free the detached pools that are due (page_pool_release_retry). Nothing happens before
   * `restNs`: tries until then, which would find what this one finds, are only counted.
   */
  retryRelease(restNs = Number.NEGATIVE_INFINITY): void {
    const { clock, cpu } = this.deps;
    cpu.task = TASK_RETRY;
    let nextNs = Number.POSITIVE_INFINITY;
    for (const pool of this.pools) {
      if (pool === null) continue;
      if (pool.shutdown.retryNs <= clock.nowNs) {
        retryPool(pool, clock, this.warnings);
        passTries(pool, restNs, this.warnings);
      }
      if (pool.shutdown.retryNs < nextNs) nextNs = pool.shutdown.retryNs;
    }
    this.nextRetryNs = nextNs;
    cpu.task = TASK_OTHER;
  }

  /** Pools that were destroyed and cannot be freed. */
  get zombies(): PagePool[] {
    return this.#all().filter((pool) => pool.destroyCnt > 0 && !pool.freed);
  }

  /**
   * page_pool_check_memory_provider: 0, or -ENODATA when a queue has a provider that no pool of the
   * queue took over.
   */
  checkMemoryProvider(provider: MemoryProvider | null, queue: number): number {
    if (provider === null) return 0;
    for (const pool of this.#all()) {
      if (!pool.freed && pool.provider === provider && pool.queue === queue) return 0;
    }
    return -ERRNO.ENODATA;
  }

  /**
   * page_pool_unreg_netdev: pools of a device that went are shown on `lo`; `invisible` once the
   * namespace went too (page_pool_unreg_netdev_wipe), and then for ever.
   */
  unregisterDevice(device: number, namespaceGone: boolean): void {
    for (const pool of this.#all()) {
      const { shutdown } = pool;
      if (pool.device !== device || pool.freed || shutdown.visibility === "invisible") continue;
      shutdown.visibility = namespaceGone ? "invisible" : "orphaned";
    }
  }

  /** The full walk of {@link auditPools}; also at teardown. No-op while book-keeping is off. */
  audit(): void {
    if (this.deps.ledger.on) auditPools(this.deps, this.#all());
  }

  rebase(deltaNs: number): void {
    this.deps.table.rebase(deltaNs);
    this.nextRetryNs -= deltaNs;
    for (const pool of this.#all()) {
      pool.shutdown.sinceNs -= deltaNs;
      pool.shutdown.retryNs -= deltaNs;
      pool.shutdown.warnNs -= deltaNs;
      pool.shutdown.freedNs -= deltaNs;
    }
  }

  #all(): PagePool[] {
    return this.pools.filter((pool) => pool !== null);
  }
}
