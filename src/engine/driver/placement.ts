import type { Arena } from "../memory/arena.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import {
  MAX_SKB_FRAGS,
  SK_ACK,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_GSO_SEGS,
  SK_GSO_SIZE,
  SK_HASH,
  SK_HEAD,
  SK_HEAD_TRUESIZE,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_NR_FRAGS,
  SK_PORTS,
  SK_QUEUE,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_TSECR,
  SK_TSVAL,
  SK_WINDOW,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  SKF_IPV6,
  SKF_LINEAR,
  SKF_PP_RECYCLE,
  SKF_TSTAMP,
  SKF_UNREADABLE,
  type SkbSlab,
  TCP_FIN,
  TCP_PSH,
} from "../skb/skb-slab.js";
import { FRAME_FRAGMENT, FRAME_TCP, type Frame } from "../wire/frame.js";
import type { BufferRing } from "./buffer-ring.js";
import { tcpInit, tcpSum, udpSum } from "./checksum.js";
import type { Placer } from "./placer.js";
import type { PackedProfile } from "./profile.js";
import type { RxQueue } from "./rx-queue.js";

/** Payload of a superpacket that one skb can hold in frags; longer ones become several packets. */
export const MAX_CHUNK_BYTES = 15 * 4096;

/**
 * The NIC's DMA side: places frames in a queue's posted netmems and writes the completion.
 *
 *      header page   [room|headers|room][room|headers|room]...     one piece a packet
 *      payload page  [payload ..pad][payload ..pad]  rest          pieces aligned, page-wise
 *
 * A split frame's headers go to the header page and its payload to the payload page; an unsplit
 * frame goes to the header page as far as it fits, the rest to the payload page.
 */
export class Placement implements Placer {
  /** Of the frame being placed: when it arrived (model time), and its RSS hash. */
  arrivalNs = 0;
  hash = 0;
  /** Of the frame being placed: its IPv4 header checksum is wrong. */
  ipChecksumBad = false;
  /** Of the frame just placed: the completion entries it takes, and fbnic_rx_csum's answer. */
  entries = 0;
  csumComplete = false;
  /** The frame at hand was refused for want of completion entries, not of buffers. */
  cqShort = false;
  /** The frame at hand was refused for want of an skb. */
  skbShort = false;
  /** The unsplit frame just placed has more pieces than an skb has frags (add_frag_failed). */
  fragOverflow = false;
  /** Bytes written into netmems, and how many writes that took; typed, so that none is boxed. */
  readonly #dma = new Float64Array(2);
  /** Frames whose TCP checksum was wrong, of those whose bytes were all there. */
  badTcpChecksums = 0;
  readonly #arena: Arena;
  readonly #slab: SkbSlab;
  readonly #verify: boolean;
  /** The profile's figures; headSlack: head room, tail room and rounding. */
  readonly #headRoom: number;
  readonly #tailRoom: number;
  readonly #headSlack: number;
  readonly #align: number;
  readonly #pageBytes: number;
  readonly #pageShift: number;
  readonly #packMin: number;
  /** Netmems below this number are net_iovs. */
  readonly #netIovs: number;

  constructor(deps: {
    profile: PackedProfile;
    arena: Arena;
    table: NetmemTable;
    slab: SkbSlab;
    /** Mark bad checksums on skbs, so that the stack drops them; counted either way. */
    verifyChecksums: boolean;
  }) {
    const { profile, table } = deps;
    this.#headRoom = profile.headRoomBytes;
    this.#tailRoom = profile.tailRoomBytes;
    this.#align = profile.pieceAlignBytes;
    this.#headSlack = profile.headRoomBytes + profile.tailRoomBytes + profile.pieceAlignBytes - 1;
    this.#pageBytes = profile.hardwarePageBytes;
    this.#pageShift = Math.log2(profile.hardwarePageBytes);
    this.#packMin = profile.packMinBytes;
    this.#netIovs = table.isNetIov(0) ? table.areaNetmems : 0;
    this.#arena = deps.arena;
    this.#slab = deps.slab;
    this.#verify = deps.verifyChecksums;
  }

  /** Bytes placed in netmems. */
  get dmaBytes(): number {
    return this.#dma[0]!;
  }

  /** Writes that placed them. */
  get dmaCopies(): number {
    return this.#dma[1]!;
  }

  /**
   * Places payload `[from, from + len)` of the parsed frame at `addr` behind a copy of its headers;
   * answers the skb, or -1 when the NIC has no room. Superpackets are placed in several parts.
   */
  split(queue: RxQueue, frame: Frame, addr: number, from: number, len: number): number {
    const headerLen = frame.headerLen;
    const payloads = queue.payloads;
    const headerAt = this.#headerPiece(queue, headerLen, len);
    if (headerAt < 0 || payloads.roomBytes < len) return -1;
    const skb = this.#slab.allocSkb();
    if (skb < 0) return this.#noSkb();
    const offset = payloads.offset;
    const inPage = this.#pageBytes - (offset & (this.#pageBytes - 1));
    let sum = 0;
    if (len === 0) {
      sum = this.#splitWithSum(frame, addr, headerAt, headerAt, 0);
    } else if (len <= inPage && frame.payloadLen === len) {
      sum = this.#splitWithSum(frame, addr, headerAt, payloads.base + offset, len);
      this.#dma[1]!++;
    } else {
      sum = tcpSum(this.#arena, frame);
      this.#arena.kernels.copy(headerAt, addr, headerLen);
    }
    this.#dma[1]!++;
    this.#dma[0]! += headerLen + len;
    this.#describe(skb, queue, frame, headerAt - addr, headerLen);
    this.#finish(skb, frame, from, len, sum);
    if (len > inPage || (len > 0 && frame.payloadLen !== len)) {
      this.#pieces(skb, payloads, frame.payload + from, len);
    } else if (len > 0) this.#addPiece(skb, payloads, len, inPage);
    return skb;
  }

  /**
   * Places a whole frame unsplit: into the header page first, then into the payload page. Data
   * that lies in the head is a frag on the head's netmem. For a TCP segment or an IP fragment data
   * is its payload, for any other frame all of it.
   */
  whole(queue: RxQueue, frame: Frame, addr: number, captured: number): number {
    const fits = this.#pageBytes - this.#headRoom - this.#tailRoom;
    const linear = captured < fits ? captured : fits;
    const headerAt = this.#headerPiece(queue, linear, captured - linear);
    if (headerAt < 0 || queue.payloads.roomBytes < captured - linear) return -1;
    const skb = this.#slab.allocSkb();
    if (skb < 0) return this.#noSkb();
    this.#arena.kernels.copy(headerAt, addr, linear);
    this.#dma[0]! += captured;
    this.#dma[1]!++;
    this.#describe(skb, queue, frame, headerAt - addr, linear);
    const skbs = this.#slab.skbs;
    const at = skb * SK_WORDS;
    const known = frame.kind === FRAME_TCP || frame.kind === FRAME_FRAGMENT;
    const data = known ? frame.payload : addr;
    const len = known ? frame.payloadLen : captured;
    const inHead = Math.min(len, Math.max(0, addr + linear - data));
    if (inHead > 0) {
      const from = headerAt + (data - addr);
      this.#slab.arrivalNs = this.arrivalNs;
      this.#slab.addFrag(skb, skbs[at + SK_HEAD]!, from, inHead);
      skbs[at + SK_FLAGS]! |= SKF_LINEAR;
    }
    const sum = frame.kind === FRAME_TCP ? tcpSum(this.#arena, frame) : 0xffff;
    this.#finish(skb, frame, 0, len, sum);
    if (frame.kind !== FRAME_TCP)
      this.csumComplete = udpSum(this.#arena, frame, addr + captured) !== 0xffff;
    if (len > inHead) this.#pieces(skb, queue.payloads, data + inHead, len - inHead);
    const inFrags = skbs[at + SK_NR_FRAGS]! - (inHead > 0 ? 1 : 0);
    if (inFrags > MAX_SKB_FRAGS) this.fragOverflow = true;
    return skb;
  }

  /**
   * Arena address for `bytes` in the current header page, or -1; may finish the page before it. No
   * piece crosses a hardware page. `payload` bytes go to the payload ring: with the header and the
   * metadata, they say how many completion entries the frame takes.
   */
  #headerPiece(queue: RxQueue, bytes: number, payload: number): number {
    const ring = queue.headers;
    const page = this.#pageBytes;
    const end = ring.offset + this.#headerTruesize(bytes);
    if (end > ring.netmemBytes || (((end - 1) ^ ring.offset) & -page) !== 0) {
      ring.offset = (ring.offset + page - 1) & -page;
      if (ring.offset === ring.netmemBytes) ring.advance();
    }
    const inPage = queue.payloads.offset & (page - 1);
    this.entries = payload === 0 ? 2 : 2 + ((inPage + payload - 1) >> this.#pageShift) + 1;
    this.cqShort = ring.netmem >= 0 && queue.cqRoom < this.entries;
    if (ring.netmem < 0 || this.cqShort) return -1;
    return ring.base + ring.offset + this.#headRoom;
  }

  #noSkb(): number {
    this.skbShort = true;
    return -1;
  }

  /** Head and tail room included, rounded up to whole pieces. */
  #headerTruesize(bytes: number): number {
    return (bytes + this.#headSlack) & -this.#align;
  }

  /** Adds the piece just written as a frag; finishes the page if too little of it is left. */
  #addPiece(skb: number, ring: BufferRing, len: number, inPage: number): void {
    const slab = this.#slab;
    let truesize = (len + this.#align - 1) & -this.#align;
    if (inPage - truesize < this.#packMin) truesize = inPage;
    slab.arrivalNs = this.arrivalNs;
    slab.addFrag(skb, ring.netmem, ring.base + ring.offset, len);
    const skbs = slab.skbs;
    const at = skb * SK_WORDS;
    skbs[at + SK_TRUESIZE]! += truesize;
    if (ring.netmem < this.#netIovs) skbs[at + SK_FLAGS]! |= SKF_UNREADABLE;
    ring.offset += truesize;
    if (ring.offset === ring.netmemBytes) ring.advance();
  }

  /** Copies `len` payload bytes over as many pages as it takes. */
  #pieces(skb: number, ring: BufferRing, from: number, len: number): void {
    let at = from;
    let left = len;
    while (left > 0) {
      const inPage = this.#pageBytes - (ring.offset & (this.#pageBytes - 1));
      const piece = left < inPage ? left : inPage;
      this.#arena.kernels.copy(ring.base + ring.offset, at, piece);
      this.#addPiece(skb, ring, piece, inPage);
      this.#dma[1]!++;
      at += piece;
      left -= piece;
    }
  }

  /** Fills the skb's words from the parsed frame; `shift` moves addresses into the header page. */
  #describe(skb: number, queue: RxQueue, frame: Frame, shift: number, linear: number): void {
    const ring = queue.headers;
    const skbs = this.#slab.skbs;
    const at = skb * SK_WORDS;
    const truesize = this.#headerTruesize(linear);
    skbs[at + SK_HEAD] = ring.netmem;
    ring.offset += truesize;
    skbs[at + SK_HEAD_TRUESIZE] = SKB_OVERHEAD_BYTES + truesize;
    skbs[at + SK_TRUESIZE] = SKB_OVERHEAD_BYTES + truesize;
    skbs[at + SK_FLAGS] = SKF_PP_RECYCLE | (frame.version === 6 ? SKF_IPV6 : 0);
    skbs[at + SK_SEQ] = frame.seq;
    skbs[at + SK_ACK] = frame.ack;
    skbs[at + SK_WINDOW] = frame.window;
    skbs[at + SK_SADDR] = frame.saddr;
    skbs[at + SK_DADDR] = frame.daddr;
    skbs[at + SK_PORTS] = frame.ports;
    skbs[at + SK_L3] = frame.l3 + shift;
    skbs[at + SK_L4] = frame.l4 + shift;
    skbs[at + SK_QUEUE] = queue.index;
    skbs[at + SK_GSO_SIZE] = 0;
    skbs[at + SK_GSO_SEGS] = 1;
  }

  #finish(skb: number, frame: Frame, from: number, len: number, sum: number): void {
    const skbs = this.#slab.skbs;
    const at = skb * SK_WORDS;
    // FIN and PSH belong to the last part of a superpacket.
    const last = from + len >= frame.payloadLen;
    let flags = last ? frame.flags : frame.flags & ~(TCP_FIN | TCP_PSH);
    if (frame.hasTimestamps) {
      flags |= SKF_TSTAMP;
      skbs[at + SK_TSVAL] = frame.tsval;
      skbs[at + SK_TSECR] = frame.tsecr;
    }
    // What the capture cut was whole on the wire, where the NIC saw its checksum.
    this.csumComplete = sum !== 0xffff && frame.cutBytes === 0;
    if (this.csumComplete) {
      if (this.#verify) flags |= SKF_BAD_CSUM;
      if (last) this.badTcpChecksums++;
    }
    if (this.ipChecksumBad && this.#verify) flags |= SKF_BAD_IP_CSUM;
    skbs[at + SK_FLAGS]! |= flags;
    skbs[at + SK_SEQ] = (frame.seq + from) | 0;
    skbs[at + SK_END_SEQ] = (frame.seq + from + len) | 0;
    skbs[at + SK_LEN] = len;
    skbs[at + SK_HASH] = this.hash;
  }

  /** The common case in one kernel call: both copies and the checksum. */
  #splitWithSum(
    frame: Frame,
    addr: number,
    headerAt: number,
    payloadAt: number,
    len: number,
  ): number {
    const { l3, l4, headerLen, payload } = frame;
    const v4 = frame.version === 4;
    const addrs = v4 ? l3 + 12 : l3 + 8;
    const init = tcpInit(payload + len - l4);
    const { kernels } = this.#arena;
    const size = v4 ? 8 : 32;
    return kernels.split(addr, headerAt, headerLen, payload, payloadAt, len, addrs, size, l4, init);
  }
}
