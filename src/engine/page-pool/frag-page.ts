import type { Ledger } from "../ledger/ledger.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { T9, T10 } from "../netmem/state.js";
import { FRAG_BIAS } from "./pool-params.js";

/** What {@link FragPage} needs of its pool. */
export interface FragSource {
  readonly order: number;
  alloc(): number;
  reuse(n: number): void;
  recyclable(n: number): boolean;
  returnNetmem(n: number, how: number): void;
}

/**
 * The page that a pool cuts into fragments (page_pool_alloc_frag_netmem).
 *
 *      [ user 1 ][ user 2 ][ user 3 ]...........free............]
 *      0                             ^ offset                   PAGE_SIZE << order
 *
 * The page starts with FRAG_BIAS references. Each user owns one; when the next fragment does not
 * fit, what the users did not get is subtracted (drain), and whoever puts last returns the page.
 */
export class FragPage {
  /** The page, -1 for none; its first free byte; fragments handed out. */
  page = -1;
  offset = 0;
  users = 0;
  /** Of the last allocation: first byte in the page, and bytes that it may use (truesize). */
  start = 0;
  bytes = 0;
  readonly #pool: FragSource;
  readonly #ledger: Ledger;
  readonly #maxBytes: number;

  constructor(pool: FragSource, ledger: Ledger) {
    this.#pool = pool;
    this.#ledger = ledger;
    this.#maxBytes = PAGE_SIZE << pool.order;
  }

  /**
   * page_pool_alloc_frag_netmem: a fragment of `bytes` bytes at {@link start}; the page or -1. The
   * caller owns one of the driver's references. Sizes are not aligned further: caches are coherent
   * (dma_get_cache_alignment is 1).
   */
  alloc(bytes: number): number {
    if (bytes > this.#maxBytes) return -1;
    this.bytes = bytes;
    if (this.page >= 0 && this.offset + bytes <= this.#maxBytes) {
      this.users++;
      this.start = this.offset;
      this.offset += bytes;
      return this.page;
    }
    if (this.page >= 0 && this.#drain()) this.#pool.reuse(this.page);
    else this.page = this.#pool.alloc();
    if (this.page < 0) return -1;
    this.#ledger.post(this.page, FRAG_BIAS);
    this.users = 1;
    this.start = 0;
    this.offset = bytes;
    return this.page;
  }

  /**
   * page_pool_alloc_netmem: a whole page when two of `bytes` do not fit one, else a fragment, which
   * gets the rest of the page when no other of its size fits behind it.
   */
  allocAny(bytes: number): number {
    if (bytes * 2 > this.#maxBytes) {
      this.start = 0;
      this.bytes = this.#maxBytes;
      return this.#pool.alloc();
    }
    const page = this.alloc(bytes);
    if (page >= 0 && this.offset + bytes > this.#maxBytes) {
      this.bytes = this.#maxBytes - this.start;
      this.offset = this.#maxBytes;
    }
    return page;
  }

  /** page_pool_free_frag: the pool is destroyed; the unused references go. */
  free(): void {
    const page = this.page;
    this.page = -1;
    if (page >= 0 && this.#ledger.driverPut(page, FRAG_BIAS - this.users)) {
      this.#pool.returnNetmem(page, T9);
    }
  }

  /** page_pool_drain_frag: true if nobody uses the page any more and it can be used again. */
  #drain(): boolean {
    if (!this.#ledger.driverPut(this.page, FRAG_BIAS - this.users)) return false;
    if (this.#pool.recyclable(this.page)) return true;
    this.#pool.returnNetmem(this.page, T10);
    return false;
  }
}
