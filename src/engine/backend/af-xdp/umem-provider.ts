import { check } from "../../ledger/invariant.js";
import {
  type NetmemTable,
  type NetmemVisit,
  NM_PP_REF,
  NM_WORDS,
} from "../../netmem/netmem-table.js";
import { T1, T9 } from "../../netmem/state.js";
import { PP_ALLOC_CACHE_REFILL } from "../../page-pool/pool-params.js";
import type { PoolFace } from "../../provider/pool-face.js";
import type { MemoryProvider } from "../../provider/provider.js";

/**
 * The memory provider over the chunks of an AF_XDP UMEM: what no pool holds is on its free list.
 *
 *      free   stack of chunks, lowest on top at the start   --alloc-->  pool --> fill ring
 */
export class UmemProvider implements MemoryProvider {
  readonly name = "umem";
  readonly netmemCount: number;
  readonly outsideCount = 0;
  readonly #table: NetmemTable;
  readonly #free: Int32Array;
  readonly #isFree: Uint8Array;
  #freeCount: number;

  constructor(table: NetmemTable) {
    const count = table.areaNetmems;
    this.#table = table;
    this.netmemCount = count;
    this.#free = Int32Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#isFree = new Uint8Array(count).fill(1);
    this.#freeCount = count;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  init(): number {
    return 0;
  }

  destroy(): void {}

  allocNetmems(pool: PoolFace): number {
    for (let i = 0; i < PP_ALLOC_CACHE_REFILL && this.#freeCount > 0; i++) {
      const n = this.#free[--this.#freeCount]!;
      this.#isFree[n] = 0;
      pool.hold(n, T1);
      pool.placeInCache(n);
    }
    return pool.takeFromCache();
  }

  releaseNetmem(pool: PoolFace, netmem: number): boolean {
    const refs = this.#table.words[netmem * NM_WORDS + NM_PP_REF];
    check(refs === 1 && this.#isFree[netmem] === 0, 3, "a UMEM chunk freed twice, or in use");
    this.#isFree[netmem] = 1;
    this.#free[this.#freeCount++] = netmem;
    pool.forget(netmem, T9);
    return false;
  }

  /** Netlink knows nothing of a UMEM's pool. */
  nlFill(): number {
    return 0;
  }

  /** A UMEM is no provider of a netdev's queue, so there is nothing to forget. */
  uninstall(): boolean {
    return false;
  }

  walkFree(visit: NetmemVisit): void {
    visit(this.#free, this.#freeCount, 0);
  }
}
