import { InvariantViolation } from "../ledger/invariant.js";
import { type NetmemTable, type NetmemVisit, PAGE_SIZE } from "../netmem/netmem-table.js";

/** Bit of `NetmemTable.pageRefs`: the page is from the reserves (page_is_pfmemalloc). */
export const PFMEMALLOC = 0x80;
/** Rest of `NetmemTable.pageRefs`: page_ref_count. */
export const PAGE_REFS = 0x7f;

/**
 * The buddy allocator's stand-in for a range of netmems that are pages, all of one order.
 *
 *      table   ......[first ................ first + count - 1]......
 *      free    stack of netmems, lowest address on top at the start; last page freed is taken first
 *
 * Pages that the pool released while somebody else held them (T10) never come back here: the
 * stranger frees them, and the model does not follow strangers.
 */
export class PageAllocator {
  readonly first: number;
  readonly count: number;
  /** Allocation order of every page of the range. */
  readonly order: number;
  /** NUMA node of each page, from the last time it was taken. */
  readonly node: Uint8Array;
  readonly #free: Int32Array;
  readonly #isFree: Uint8Array;
  #freeCount: number;

  /** Takes over netmems `first` to `first + count - 1`, all free, all of one size. */
  constructor(table: NetmemTable, first: number, count: number) {
    this.first = first;
    this.count = count;
    const bytes = count > 0 ? table.bytesOf(first) : PAGE_SIZE;
    this.order = Math.log2(bytes / PAGE_SIZE);
    this.node = new Uint8Array(count);
    this.#free = new Int32Array(count);
    this.#isFree = new Uint8Array(count).fill(1);
    this.#freeCount = count;
    for (let i = 0; i < count; i++) this.#free[i] = first + count - 1 - i;
  }

  /** Pages that are free. */
  get freeCount(): number {
    return this.#freeCount;
  }

  /** alloc_pages_node: one page on node `nid`, -1 when none is left. */
  take(nid: number): number {
    if (this.#freeCount === 0) return -1;
    const n = this.#free[--this.#freeCount]!;
    this.node[n - this.first] = nid;
    this.#isFree[n - this.first] = 0;
    return n;
  }

  /** netmem_is_pref_nid: whether page `n` lies on node `nid`. */
  near(n: number, nid: number): boolean {
    return this.node[n - this.first] === nid;
  }

  /** put_page of the last reference. */
  put(n: number): void {
    const i = n - this.first;
    if (i < 0 || i >= this.count || this.#isFree[i] === 1) {
      throw new InvariantViolation(5, `page ${n} freed twice or to the wrong allocator`);
    }
    this.#isFree[i] = 1;
    this.#free[this.#freeCount++] = n;
  }

  /** Shows each free page once. */
  walkFree(visit: NetmemVisit): void {
    visit(this.#free, this.#freeCount, 0);
  }
}
