import type { Arena } from "../memory/arena.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import {
  MAX_SKB_FRAGS,
  SK_FLAGS,
  SK_HEAD,
  SK_NR_FRAGS,
  SK_TRUESIZE,
  SK_WORDS,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  SKF_FRAG_LIST,
  SKF_LINEAR,
  SKF_UNREADABLE,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_FRAGMENT, FRAME_TCP, type Frame } from "../wire/frame.js";
import { tcpSum, udpSum } from "./checksum.js";
import { describeSkb, HeadFacts } from "./own-head.js";
import type { Placer } from "./placer.js";
import { HEAD_BYTES } from "./profile.js";
import type { SlotProfile } from "./slot-profiles.js";
import type { SlotQueue } from "./slot-queue.js";

/** Why a frame was refused. */
export const REFUSED_ROOM = 0;
export const REFUSED_SKB = 1;
export const REFUSED_LENGTH = 2;
export const REFUSED_SILENT = 3;

/** NET_SKB_PAD: room in front of the packet in a head buffer. */
const HEAD_PAD = 64;

/**
 * The DMA side of NICs that give a packet whole buffers (bnxt, gve).
 *
 *      split     head of its own [headers]     buffer [payload ......    ]  buffer [payload   ]
 *      bnxt      head buffer [pad|first 320 bytes]     buffer [rest ...   ]
 *      gve                                     buffer [headers|payload .. ]  buffer [rest      ]
 *
 * A head of its own is memory beside the netmems, one place for each skb; the fixed header area
 * and the head buffer that a header is copied from are not written out.
 */
export class SlotPlacement implements Placer {
  arrivalNs = 0;
  hash = 0;
  ipChecksumBad = false;
  entries = 0;
  /** The NIC found the TCP or UDP checksum wrong. */
  csumComplete = false;
  readonly cqShort = false;
  skbShort = false;
  /** Never: what does not fit one skb is chained. */
  fragOverflow = false;
  badTcpChecksums = 0;
  /** Why the frame at hand was refused: a REFUSED_ constant. */
  refusal = REFUSED_ROOM;
  dmaBytes = 0;
  dmaCopies = 0;
  readonly #profile: SlotProfile;
  readonly #arena: Arena;
  readonly #table: NetmemTable;
  readonly #slab: SkbSlab;
  readonly #heads: number;
  readonly #verify: boolean;
  readonly #facts = new HeadFacts();

  constructor(deps: {
    profile: SlotProfile;
    arena: Arena;
    table: NetmemTable;
    slab: SkbSlab;
    /** Arena address of the heads, HEAD_BYTES for each skb. */
    heads: number;
    /** Mark bad checksums on skbs, so that the stack drops them; counted either way. */
    verifyChecksums: boolean;
  }) {
    this.#profile = deps.profile;
    this.#facts.headTruesize = deps.profile.headTruesize;
    this.#arena = deps.arena;
    this.#table = deps.table;
    this.#slab = deps.slab;
    this.#heads = deps.heads;
    this.#verify = deps.verifyChecksums;
  }

  split(queue: SlotQueue, frame: Frame, addr: number, from: number, len: number): number {
    const ring = queue.payloads;
    const bad = tcpSum(this.#arena, frame) !== 0xffff && frame.cutBytes === 0;
    if (from + len >= frame.payloadLen && bad) this.badTcpChecksums++;
    this.csumComplete = bad;
    this.dmaBytes += frame.headerLen + len;
    this.dmaCopies++;
    if (!bad && from === 0 && len === frame.payloadLen) {
      const held = queue.aggregate(frame, this);
      if (held >= 0) return held;
    }
    const slots = Math.max(this.#profile.leastSlots, Math.ceil(len / ring.bufferBytes));
    const skb = this.#admit(queue, slots);
    if (skb < 0) {
      this.dmaBytes -= frame.headerLen + len;
      this.dmaCopies--;
      return -1;
    }
    const head = this.#heads + skb * HEAD_BYTES;
    this.#arena.kernels.copy(head, addr, frame.headerLen);
    this.#describe(skb, queue, frame, head - addr, from, len);
    queue.headerBytes = frame.headerLen;
    if (len > 0) this.#pieces(skb, queue, frame.payload + from, len, 0, len);
    else if (slots > 0) this.#spare(queue);
    return skb;
  }

  whole(queue: SlotQueue, frame: Frame, addr: number, captured: number): number {
    const { linearBytes } = this.#profile;
    const known = frame.kind === FRAME_TCP || frame.kind === FRAME_FRAGMENT;
    const skip = known ? frame.payload - addr : 0;
    const len = known ? frame.payloadLen : captured;
    const bytes = skip + len;
    const linear = Math.min(bytes, linearBytes);
    const ring = queue.payloads;
    if (skip > (linearBytes > 0 ? linearBytes : ring.bufferBytes - 1)) {
      this.refusal = REFUSED_LENGTH;
      return -1;
    }
    const rest = Math.ceil((bytes - linear) / ring.bufferBytes);
    const skb = this.#admit(queue, Math.max(this.#profile.leastSlots, rest));
    if (skb < 0) return -1;
    this.#checksum(frame, addr + captured);
    this.dmaBytes += captured;
    queue.unsplit = true;
    queue.headerBytes = frame.kind === FRAME_TCP ? frame.headerLen : 0;
    if (linearBytes > 0) this.#linear(skb, queue, frame, addr, skip, len, linear);
    else this.#inBuffer(skb, queue, frame, addr, skip, len);
    if (this.#slab.skbs[skb * SK_WORDS + SK_NR_FRAGS]! > MAX_SKB_FRAGS) {
      this.#slab.skbs[skb * SK_WORDS + SK_FLAGS]! |= SKF_FRAG_LIST;
    }
    return skb;
  }

  /** The next bytes of an aggregation, from `at` in the read window to the arena. */
  copy(to: number, at: number, len: number): void {
    this.#arena.kernels.copy(to, at, len);
    this.dmaCopies++;
  }

  /** Adds the buffer that the ring just gave as a frag; a whole buffer of truesize. */
  addBuffer(skb: number, queue: SlotQueue, skip: number, len: number): void {
    const ring = queue.payloads;
    const { skbs } = this.#slab;
    const at = skb * SK_WORDS;
    this.#slab.arrivalNs = this.arrivalNs;
    this.#slab.addFrag(skb, ring.netmem, ring.addr + skip, len);
    skbs[at + SK_TRUESIZE]! += ring.bufferBytes;
    if (this.#table.isNetIov(ring.netmem)) skbs[at + SK_FLAGS]! |= SKF_UNREADABLE;
  }

  /** An skb, once the queue has buffers for a frame that takes so many; else -1. */
  #admit(queue: SlotQueue, slots: number): number {
    if (this.arrivalNs < queue.silentUntilNs) {
      this.refusal = REFUSED_SILENT;
      return -1;
    }
    if (!queue.hasRoom(slots)) {
      this.refusal = REFUSED_ROOM;
      return -1;
    }
    const skb = this.#slab.allocSkb();
    if (skb < 0) this.refusal = REFUSED_SKB;
    else queue.begin(slots);
    return skb;
  }

  /** bnxt: the first bytes lie in the head buffer; the skb is built around it if any is data. */
  #linear(
    skb: number,
    queue: SlotQueue,
    frame: Frame,
    addr: number,
    skip: number,
    len: number,
    linear: number,
  ): void {
    const { skbs } = this.#slab;
    const { kernels } = this.#arena;
    const at = skb * SK_WORDS;
    const inHead = Math.max(0, linear - skip);
    const around = inHead > 0 || linear > this.#profile.copybreakBytes;
    const to = around
      ? this.#table.addressOf(queue.head) + queue.headOffset + HEAD_PAD
      : this.#heads + skb * HEAD_BYTES;
    kernels.copy(to, addr, linear);
    this.dmaCopies++;
    this.#describe(skb, queue, frame, to - addr, 0, len);
    if (around) skbs[at + SK_HEAD] = queue.head;
    if (inHead > 0) {
      this.#slab.arrivalNs = this.arrivalNs;
      this.#slab.addFrag(skb, queue.head, to + skip, inHead);
      skbs[at + SK_FLAGS]! |= SKF_LINEAR;
    }
    const left = len - inHead;
    if (left > 0) this.#pieces(skb, queue, addr + linear, left, 0, left);
  }

  /** gve: headers and payload in payload buffers; what has no payload leaves its buffer spare. */
  #inBuffer(
    skb: number,
    queue: SlotQueue,
    frame: Frame,
    addr: number,
    skip: number,
    len: number,
  ): void {
    const ring = queue.payloads;
    if (len === 0) {
      this.#spare(queue);
      const head = this.#heads + skb * HEAD_BYTES;
      const inOwn = skip <= HEAD_BYTES;
      this.#arena.kernels.copy(inOwn ? head : ring.addr, addr, skip);
      this.dmaCopies++;
      this.#describe(skb, queue, frame, (inOwn ? head : ring.addr) - addr, 0, 0);
      return;
    }
    this.#describe(skb, queue, frame, ring.nextAddr - addr, 0, len);
    this.#pieces(skb, queue, addr, skip + len, skip, len);
  }

  /** Copies `bytes` from the read window over the next buffers; data begins `skip` bytes in. */
  #pieces(
    skb: number,
    queue: SlotQueue,
    from: number,
    bytes: number,
    skip: number,
    len: number,
  ): void {
    const ring = queue.payloads;
    for (let at = 0; at < bytes; at += ring.bufferBytes) {
      ring.take();
      const piece = Math.min(ring.bufferBytes, bytes - at);
      this.copy(ring.addr, from + at, piece);
      const start = Math.max(skip - at, 0);
      this.addBuffer(skb, queue, start, Math.min(piece, skip + len - at) - start);
    }
  }

  #spare(queue: SlotQueue): void {
    const ring = queue.payloads;
    ring.take();
    queue.spare = ring.netmem;
  }

  #checksum(frame: Frame, end: number): void {
    if (frame.kind === FRAME_TCP) {
      this.csumComplete = tcpSum(this.#arena, frame) !== 0xffff && frame.cutBytes === 0;
      if (this.csumComplete) this.badTcpChecksums++;
    } else {
      const sum = udpSum(this.#arena, frame, end);
      this.csumComplete = sum >= 0 && sum !== 0xffff;
    }
  }

  #describe(
    skb: number,
    queue: SlotQueue,
    frame: Frame,
    shift: number,
    from: number,
    len: number,
  ): void {
    const badTcp = this.csumComplete && frame.kind === FRAME_TCP ? SKF_BAD_CSUM : 0;
    const checksumFlags = badTcp | (this.ipChecksumBad ? SKF_BAD_IP_CSUM : 0);
    const facts = this.#facts;
    facts.queue = queue.index;
    facts.hash = this.hash;
    facts.shift = shift;
    facts.from = from;
    facts.len = len;
    facts.checksumFlags = this.#verify ? checksumFlags : 0;
    describeSkb(this.#slab, skb, frame, facts);
  }
}
