import { reserve } from "../memory/reserve.js";

/**
 * Every netmem of one receive path. A netmem_ref is an integer: its index here.
 *
 *      index   0 ............. areaNetmems-1 | areaNetmems ............ count-1
 *              provider area (net_iovs, or     system pages (header pools, page queues)
 *              pages for the page provider)
 *
 *      words   [pp_ref_count][driver][skb][user][pool][state][last][address]   32 bytes
 *      stamps                                        [lastNs][handedNs][backNs][-]   32 bytes
 *
 * Both are views of one buffer, 64 bytes a netmem, so that a netmem that comes round after a
 * whole turn of its ring costs one cache miss.
 *
 * `pp_ref_count` is the sum of the three holders beside it (include/net/page_pool/helpers.h: its
 * baseline is 1 while the pool or one driver slot holds the netmem).
 */

/** Int32 words from one netmem to the next. */
export const NM_WORDS = 16;
/** pp_ref_count. */
export const NM_PP_REF = 0;
/** Of these: held by the driver (1, or what is left of the fragment bias). */
export const NM_DRIVER = 1;
/** Of these: skb frags and skb heads. */
export const NM_SKB = 2;
/** Of these: devmem tokens or zcrx user refs. */
export const NM_USER = 3;
/** desc.pp: number of the pool that holds it in its inflight count, 0 for none. */
export const NM_POOL = 4;
/** Owner state (netmem/state.ts). */
export const NM_STATE = 5;
/** Last transition (netmem/state.ts). */
export const NM_LAST = 6;
/** Arena byte offset of the first byte, as u32. */
export const NM_ADDR = 7;

/** Float64 stamps from one netmem to the next; the first four places are the words'. */
export const NM_STAMPS = 8;
/** Model time of the last transition. */
export const NM_LAST_NS = 4;
/** Model time of the last hand-over to the driver. */
export const NM_HANDED_NS = 5;
/** Model time of the last return to the pool; -Infinity before the first. */
export const NM_BACK_NS = 6;

/** What kind of memory a netmem is. */
export const KIND_PAGE = 0;
export const KIND_DMABUF = 1;
export const KIND_IOURING = 2;
/** Chunks of an AF_XDP UMEM: this process's own memory. */
export const KIND_UMEM = 3;

/** Geometry of a table: both regions are given as arena byte offsets. */
export interface NetmemGeometry {
  /** Arena offset of the provider area. */
  readonly areaStart: number;
  readonly areaBytes: number;
  /** Bytes of one netmem of the area, a power of two of at least 4096. */
  readonly netmemBytes: number;
  /** {@link KIND_PAGE} (page provider), or the kind of the provider's memory. */
  readonly areaKind: number;
  /** Arena offset of the system pages. */
  readonly pagesStart: number;
  /** Number of system pages of {@link PAGE_SIZE} bytes. */
  readonly pages: number;
}

/** Large buffers start 16 bytes behind a page; this much more is a cache line's beginning. */
const ALIGN_BYTES = 48;

/** Is shown `count` netmems, each `first` plus an entry of `list`: many at a time, as loops go. */
export type NetmemVisit = (list: Int32Array, count: number, first: number) => void;

/** Bytes of a system page. */
export const PAGE_SIZE = 4096;

/** See the head of this file. */
export class NetmemTable {
  readonly geometry: NetmemGeometry;
  readonly areaNetmems: number;
  readonly count: number;
  readonly words: Int32Array;
  readonly stamps: Float64Array;
  /** page_ref_count of pages; a net_iov always answers 1 (netmem_ref_count). */
  readonly pageRefs: Uint8Array;

  constructor(geometry: NetmemGeometry) {
    this.geometry = geometry;
    this.areaNetmems = Math.floor(geometry.areaBytes / geometry.netmemBytes);
    this.count = this.areaNetmems + geometry.pages;
    const buffer = reserve(ALIGN_BYTES + this.count * NM_WORDS * 4);
    this.words = new Int32Array(buffer, ALIGN_BYTES);
    this.stamps = new Float64Array(buffer, ALIGN_BYTES);
    this.pageRefs = new Uint8Array(this.count).fill(1);
    this.#number(0, this.areaNetmems, geometry.areaStart, geometry.netmemBytes);
    this.#number(this.areaNetmems, this.count, geometry.pagesStart, PAGE_SIZE);
  }

  /** Gives netmems `from` to `to - 1` their addresses, from `address` on. */
  #number(from: number, to: number, address: number, netmemBytes: number): void {
    const { words, stamps } = this;
    let next = address;
    for (let n = from; n < to; n++) {
      words[n * NM_WORDS + NM_ADDR] = next | 0;
      stamps[n * NM_STAMPS + NM_BACK_NS] = Number.NEGATIVE_INFINITY;
      next += netmemBytes;
    }
  }

  /** Moves every netmem's stamps back by `deltaNs`. */
  rebase(deltaNs: number): void {
    for (let n = 0; n < this.count; n++) {
      const at = n * NM_STAMPS;
      this.stamps[at + NM_LAST_NS]! -= deltaNs;
      this.stamps[at + NM_HANDED_NS]! -= deltaNs;
      this.stamps[at + NM_BACK_NS]! -= deltaNs;
    }
  }

  /** Arena byte offset of a netmem's first byte. */
  addressOf(n: number): number {
    const { areaStart, netmemBytes, pagesStart } = this.geometry;
    return n < this.areaNetmems
      ? areaStart + n * netmemBytes
      : pagesStart + (n - this.areaNetmems) * PAGE_SIZE;
  }

  /** Bytes of a netmem. */
  bytesOf(n: number): number {
    return n < this.areaNetmems ? this.geometry.netmemBytes : PAGE_SIZE;
  }

  /** Whether a netmem is a net_iov (netmem_is_net_iov): never readable as a page. */
  isNetIov(n: number): boolean {
    return n < this.areaNetmems && this.geometry.areaKind !== KIND_PAGE;
  }

  /** Kind of memory of a netmem. */
  kindOf(n: number): number {
    return n < this.areaNetmems ? this.geometry.areaKind : KIND_PAGE;
  }
}
