import { type Rebased, rebaseTimes, type VirtualClock } from "../clock/virtual-clock.js";
import type { Ledger } from "../ledger/ledger.js";
import { reserve } from "../memory/reserve.js";
import type { NetmemReturn } from "../netmem/netmem-return.js";

/**
 * skbs and their frags, in two slabs of integers.
 *
 *      skb    [NEXT][SEQ][END_SEQ][LEN][FRAG_HEAD][FRAG_TAIL][NR_FRAGS] ...       96 bytes
 *                                          |           |
 *                                          v           v
 *      frag                          [NETMEM][ADDR][LEN][NEXT] -> ... -> -1       16 bytes
 *                                    [arrivalNs][stampNs]                          16 bytes
 *
 * Frags are a list, so that GRO and tcp_try_coalesce join two skbs in constant time; the kernel's
 * limit of MAX_SKB_FRAGS is kept by count. Each frag owns one reference on its netmem, the head
 * another one on the header buffer. Payload that lies in the head (a packet that the NIC did not
 * split) is a frag on the header netmem, as skb_try_coalesce makes of it when it steals a head.
 *
 * `arrivalNs` is when the packet came; `stampNs` when it was handed up, then when it became
 * readable.
 */

/** Int32 words an skb. */
export const SK_WORDS = 24;
/** Next skb on whatever list holds this one, or -1. */
export const SK_NEXT = 0;
export const SK_SEQ = 1;
/** TCP_SKB_CB(skb)->end_seq: seq + payload + SYN + FIN. */
export const SK_END_SEQ = 2;
/** Payload bytes (skb->len once the header is pulled). */
export const SK_LEN = 3;
export const SK_FRAG_HEAD = 4;
export const SK_FRAG_TAIL = 5;
export const SK_NR_FRAGS = 6;
/** Bits: SKF_ and the TCP header's flags in the low byte. */
export const SK_FLAGS = 7;
export const SK_TRUESIZE = 8;
export const SK_ACK = 9;
/** Window field of the header, unscaled. */
export const SK_WINDOW = 10;
export const SK_TSVAL = 11;
export const SK_TSECR = 12;
/** Payload bytes of one segment where GRO merged several, else 0. */
export const SK_GSO_SIZE = 13;
/** Segments in this skb, at least 1. */
export const SK_GSO_SEGS = 14;
/** RSS hash. */
export const SK_HASH = 15;
/** IPv4 addresses; for IPv6 read them from the header at SK_L3. */
export const SK_SADDR = 16;
export const SK_DADDR = 17;
/** Source port << 16 | destination port. */
export const SK_PORTS = 18;
/** Netmem of the head, or -1 when the head is memory of its own. */
export const SK_HEAD = 19;
/** Arena address of the IP header. */
export const SK_L3 = 20;
/** Arena address of the TCP header. */
export const SK_L4 = 21;
/** Truesize of the head alone (SKB_TRUESIZE of an skb without frags). */
export const SK_HEAD_TRUESIZE = 22;
/** The receiving queue. */
export const SK_QUEUE = 23;

/** TCP header flags as they stand in byte 13 of the header. */
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;
/** SK_FLAGS: some frag is a net_iov (skb->unreadable). */
export const SKF_UNREADABLE = 0x100;
/** SK_FLAGS: frags go back to a page pool (skb->pp_recycle). */
export const SKF_PP_RECYCLE = 0x200;
/** SK_FLAGS: the segment carries a timestamps option. */
export const SKF_TSTAMP = 0x400;
/** SK_FLAGS: IPv6. */
export const SKF_IPV6 = 0x800;
/** SK_FLAGS: other skbs hang on this one (frag_list): never coalesced onto. */
export const SKF_FRAG_LIST = 0x1000;
/** SK_FLAGS: IP fragments were joined into this skb. */
export const SKF_DEFRAGGED = 0x2000;

/** SK_FLAGS: the NIC found the TCP checksum wrong. */
export const SKF_BAD_CSUM = 0x4000;
/** SK_FLAGS: the IPv4 header checksum is wrong. Both are set only where checksums are verified. */
export const SKF_BAD_IP_CSUM = 0x10000;
/** SK_FLAGS: payload lies in the head: the first frag is on the head's netmem. */
export const SKF_LINEAR = 0x8000;

/** SK_FLAGS: GRO holds an IPv4 skb whose segments all have one identification (ip_fixedid). */
export const SKF_FIXED_ID = 0x20000;

/** SK_FLAGS: another skb shares the frags (skb_cloned): they cannot be moved. */
export const SKF_CLONED = 0x40000;
/** SK_FLAGS: some frag's page is another's too (SKBFL_SHARED_FRAG): never merged. */
export const SKF_SHARED_FRAG = 0x80000;
/** SK_FLAGS: another was joined to this one out of order: it may lie over its followers. */
export const SKF_GREW = 0x100000;

/** Int32 words a frag. */
export const FR_WORDS = 4;
export const FR_NETMEM = 0;
/** Arena byte offset of the frag's first byte, as u32. */
export const FR_ADDR = 1;
export const FR_LEN = 2;
export const FR_NEXT = 3;
/** Float64 times a frag. */
export const FR_TIMES = 2;
export const FR_ARRIVAL_NS = 0;
export const FR_STAMP_NS = 1;

/** CONFIG_MAX_SKB_FRAGS. */
export const MAX_SKB_FRAGS = 17;
/** sizeof(struct sk_buff) rounded as SKB_DATA_ALIGN does. */
export const SKB_OVERHEAD_BYTES = 256;

/** See the head of this file. */
export class SkbSlab implements Rebased {
  readonly skbs: Int32Array;
  readonly frags: Int32Array;
  readonly fragTimes: Float64Array;
  /** skbs and frags in use. */
  skbCount = 0;
  fragCount = 0;
  /** When the frags came that are added next. A field, since V8 would box an argument. */
  arrivalNs = 0;
  readonly #maxSkbs: number;
  readonly #maxFrags: number;
  readonly #ledger: Ledger;
  readonly #back: NetmemReturn;
  #freeSkb = -1;
  #freeFrag = -1;
  #freshSkb = 0;
  #freshFrag = 0;

  constructor(
    size: { skbs: number; frags: number },
    deps: { ledger: Ledger; back: NetmemReturn; clock: VirtualClock },
  ) {
    this.#maxSkbs = size.skbs;
    this.#maxFrags = size.frags;
    this.skbs = new Int32Array(reserve(size.skbs * SK_WORDS * 4));
    this.frags = new Int32Array(reserve(size.frags * FR_WORDS * 4));
    this.fragTimes = new Float64Array(reserve(size.frags * FR_TIMES * 8));
    this.#ledger = deps.ledger;
    this.#back = deps.back;
    deps.clock.follow(this);
  }

  /** Whether more than half of the skbs or of the frags are in use. */
  get runsShort(): boolean {
    return this.skbCount * 2 > this.#maxSkbs || this.fragCount * 2 > this.#maxFrags;
  }

  /** A fresh skb without frags or head; its other words are the caller's to fill. -1: none left. */
  allocSkb(): number {
    let skb = this.#freeSkb;
    if (skb >= 0) this.#freeSkb = this.skbs[skb * SK_WORDS + SK_NEXT]!;
    else {
      if (this.#freshSkb === this.#maxSkbs) return -1;
      skb = this.#freshSkb++;
    }
    this.skbCount++;
    const at = skb * SK_WORDS;
    const skbs = this.skbs;
    skbs[at + SK_NEXT] = -1;
    skbs[at + SK_FRAG_HEAD] = -1;
    skbs[at + SK_FRAG_TAIL] = -1;
    skbs[at + SK_NR_FRAGS] = 0;
    skbs[at + SK_HEAD] = -1;
    return skb;
  }

  /**
   * Appends a frag that takes over one reference on `netmem` and came at {@link arrivalNs}; false
   * when no frag is left. The caller keeps SK_LEN, SK_TRUESIZE and the flags.
   */
  addFrag(skb: number, netmem: number, addr: number, len: number): boolean {
    const frags = this.frags;
    let frag = this.#freeFrag;
    if (frag >= 0) this.#freeFrag = frags[frag * FR_WORDS + FR_NEXT]!;
    else {
      if (this.#freshFrag === this.#maxFrags) return false;
      frag = this.#freshFrag++;
    }
    this.fragCount++;
    const f = frag * FR_WORDS;
    frags[f + FR_NETMEM] = netmem;
    frags[f + FR_ADDR] = addr;
    frags[f + FR_LEN] = len;
    frags[f + FR_NEXT] = -1;
    this.fragTimes[frag * FR_TIMES + FR_ARRIVAL_NS] = this.arrivalNs;
    const at = skb * SK_WORDS;
    const tail = this.skbs[at + SK_FRAG_TAIL]!;
    if (tail < 0) this.skbs[at + SK_FRAG_HEAD] = frag;
    else frags[tail * FR_WORDS + FR_NEXT] = frag;
    this.skbs[at + SK_FRAG_TAIL] = frag;
    this.skbs[at + SK_NR_FRAGS]!++;
    return true;
  }

  /** Moves all frags of `from` behind those of `to` (references move with them). */
  joinFrags(to: number, from: number): void {
    const skbs = this.skbs;
    const t = to * SK_WORDS;
    const f = from * SK_WORDS;
    const head = skbs[f + SK_FRAG_HEAD]!;
    if (head < 0) return;
    const tail = skbs[t + SK_FRAG_TAIL]!;
    if (tail < 0) skbs[t + SK_FRAG_HEAD] = head;
    else this.frags[tail * FR_WORDS + FR_NEXT] = head;
    skbs[t + SK_FRAG_TAIL] = skbs[f + SK_FRAG_TAIL]!;
    skbs[t + SK_NR_FRAGS]! += skbs[f + SK_NR_FRAGS]!;
    skbs[f + SK_FRAG_HEAD] = -1;
    skbs[f + SK_FRAG_TAIL] = -1;
    skbs[f + SK_NR_FRAGS] = 0;
  }

  /** Takes the first frag off an skb and puts its netmem reference (skb_frag_unref). */
  dropFirstFrag(skb: number): void {
    const netmem = this.takeFirstFrag(skb);
    if (this.#ledger.skbPut(netmem)) this.#back.putUnrefed(netmem);
  }

  /** Takes the first frag off an skb; its reference on the netmem answered is the caller's. */
  takeFirstFrag(skb: number): number {
    const at = skb * SK_WORDS;
    const frag = this.skbs[at + SK_FRAG_HEAD]!;
    const f = frag * FR_WORDS;
    const netmem = this.frags[f + FR_NETMEM]!;
    const next = this.frags[f + FR_NEXT]!;
    this.skbs[at + SK_FRAG_HEAD] = next;
    if (next < 0) this.skbs[at + SK_FRAG_TAIL] = -1;
    this.skbs[at + SK_NR_FRAGS]!--;
    this.frags[f + FR_NEXT] = this.#freeFrag;
    this.#freeFrag = frag;
    this.fragCount--;
    return netmem;
  }

  /** Puts the head's reference now (the header is pulled and the skb is being merged away). */
  dropHead(skb: number): void {
    const at = skb * SK_WORDS;
    const head = this.skbs[at + SK_HEAD]!;
    if (head < 0) return;
    this.skbs[at + SK_HEAD] = -1;
    if (this.#ledger.skbPut(head)) this.#back.putUnrefed(head);
  }

  /** kfree_skb: puts every frag and the head, in order, then frees the skb itself. */
  free(skb: number): void {
    const at = skb * SK_WORDS;
    while (this.skbs[at + SK_FRAG_HEAD]! >= 0) this.dropFirstFrag(skb);
    this.dropHead(skb);
    this.skbs[at + SK_NEXT] = this.#freeSkb;
    this.#freeSkb = skb;
    this.skbCount--;
  }

  rebase(deltaNs: number): void {
    // Frags that were never handed out have no times.
    rebaseTimes(this.fragTimes.subarray(0, this.#freshFrag * FR_TIMES), deltaNs);
  }
}
