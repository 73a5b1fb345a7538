import type { Arena } from "../memory/arena.js";
import {
  FR_LEN,
  FR_WORDS,
  MAX_SKB_FRAGS,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_FRAG_TAIL,
  SK_GSO_SEGS,
  SK_GSO_SIZE,
  SK_HASH,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_PORTS,
  SK_SADDR,
  SK_WORDS,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  SKF_IPV6,
  type SkbSlab,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
} from "../skb/skb-slab.js";
import { FRAME_TCP, type Frame } from "../wire/frame.js";
import { GRO_MAX_BYTES } from "./gro.js";
import { KIND_ETHERNET } from "./receive-queue.js";
import type { SlotPlacement } from "./slot-placement.js";
import type { SlotQueue } from "./slot-queue.js";

/** Aggregations that a queue has open at most (bnxt's MAX_TPA). */
const MAX_TPA = 64;
/** Flags that are compared beside PSH and FIN: a segment that may be aggregated has ACK alone. */
const FLAGS = 0xff & ~(TCP_PSH | TCP_FIN);
/** The bits of a completion's kind that mix VLAN tags. */
const TAGS = ~(KIND_ETHERNET | 7);
const BAD = SKF_BAD_CSUM | SKF_BAD_IP_CSUM;

/** Takes an aggregation that has ended: its completion. */
export type Ended = (
  skb: number,
  kind: number,
  bytes: number,
  slots: number,
  head: number,
  headOffset: number,
) => void;

/**
 * Hardware GRO of one queue (bnxt's TPA in GRO mode): segments of a flow that follow each other
 * share one head and fill buffers without gaps.
 *
 *      slot (hash ^ source port) & 63:  [ skb | kind | bytes | buffers | head | room ]
 *      buffers of the skb               [seg 1|seg 2|se][g 3|seg 4|.. room ..]
 *
 * What may join is what can be taken apart again: same headers but for sequence, length, IPv4
 * identification and checksums, full segments. PSH, FIN or a short segment ends an aggregation
 * with that segment; any other packet of the flow, the skb's last frag or the poll ends it before.
 */
export class Aggregations {
  readonly #skb = new Int32Array(MAX_TPA).fill(-1);
  readonly #kind = new Int32Array(MAX_TPA);
  readonly #bytes = new Float64Array(MAX_TPA);
  readonly #slots = new Int32Array(MAX_TPA);
  readonly #head = new Int32Array(MAX_TPA);
  readonly #headOffset = new Int32Array(MAX_TPA);
  /** Bytes left in the last buffer, and where they begin (u32). */
  readonly #room = new Int32Array(MAX_TPA);
  readonly #tail = new Float64Array(MAX_TPA);
  /** Slot that the segment at hand joined, -1 for none, and whether it is the last to join. */
  #joined = -1;
  #last = false;
  #open = 0;
  readonly #slab: SkbSlab;
  readonly #view: DataView;
  readonly #ended: Ended;

  constructor(slab: SkbSlab, arena: Arena, ended: Ended) {
    this.#slab = slab;
    this.#view = arena.view;
    this.#ended = ended;
  }

  /** Places a whole segment in the open aggregation of its flow; that one's skb, or -1. */
  join(queue: SlotQueue, frame: Frame, placement: SlotPlacement): number {
    const i = (placement.hash ^ (frame.ports >>> 16)) & (MAX_TPA - 1);
    const skb = this.#skb[i]!;
    if (skb < 0 || !this.#sameFlow(skb * SK_WORDS, frame)) return -1;
    const ring = queue.payloads;
    const len = frame.payloadLen;
    const fresh = Math.max(0, Math.ceil((len - this.#room[i]!) / ring.bufferBytes));
    const fits = this.#slots[i]! + fresh <= MAX_SKB_FRAGS && ring.room >= fresh;
    const silent = placement.arrivalNs < queue.silentUntilNs;
    if (silent || !fits || !this.#mergeable(skb * SK_WORDS, frame, this.#kind[i]!)) {
      this.#close(i);
      return -1;
    }
    this.#fill(i, queue, frame.payload, len, placement);
    const { skbs } = this.#slab;
    const at = skb * SK_WORDS;
    skbs[at + SK_LEN]! += len;
    skbs[at + SK_END_SEQ] = (skbs[at + SK_END_SEQ]! + len) | 0;
    skbs[at + SK_GSO_SEGS]!++;
    skbs[at + SK_FLAGS]! |= frame.flags & (TCP_PSH | TCP_FIN);
    this.#joined = i;
    this.#last = len < skbs[at + SK_GSO_SIZE]! || (frame.flags & (TCP_PSH | TCP_FIN)) !== 0;
    return skb;
  }

  /**
   * The packet just placed: true if it joined an aggregation or begins one. One that does neither
   * ends its flow's aggregation first.
   */
  take(queue: SlotQueue, skb: number, kind: number, bytes: number): boolean {
    const joined = this.#joined;
    if (joined >= 0) {
      this.#joined = -1;
      this.#bytes[joined]! += bytes;
      if (this.#last) this.#close(joined);
      return true;
    }
    if ((kind & 7) !== FRAME_TCP) return false;
    const { skbs } = this.#slab;
    const at = skb * SK_WORDS;
    const i = this.#placeOf(at);
    if (this.#skb[i]! >= 0) this.#close(i);
    const len = skbs[at + SK_LEN]!;
    if (queue.unsplit || len === 0 || !this.#mayBegin(at)) return false;
    const tail = skbs[at + SK_FRAG_TAIL]! * FR_WORDS;
    const used = this.#slab.frags[tail + FR_LEN]!;
    this.#skb[i] = skb;
    this.#kind[i] = kind;
    this.#bytes[i] = bytes;
    this.#slots[i] = queue.slots;
    this.#head[i] = queue.head;
    this.#headOffset[i] = queue.headOffset;
    this.#room[i] = queue.payloads.bufferBytes - used;
    this.#tail[i] = queue.payloads.addr + used;
    skbs[at + SK_GSO_SIZE] = len;
    this.#open++;
    return true;
  }

  /** Ends all aggregations. */
  closeAll(): void {
    for (let i = 0; this.#open > 0 && i < MAX_TPA; i++) if (this.#skb[i]! >= 0) this.#close(i);
  }

  #close(i: number): void {
    const skb = this.#skb[i]!;
    const { skbs } = this.#slab;
    // A single segment is handed up as a plain packet.
    if (skbs[skb * SK_WORDS + SK_GSO_SEGS] === 1) skbs[skb * SK_WORDS + SK_GSO_SIZE] = 0;
    this.#skb[i] = -1;
    this.#open--;
    this.#ended(
      skb,
      this.#kind[i]!,
      this.#bytes[i]!,
      this.#slots[i]!,
      this.#head[i]!,
      this.#headOffset[i]!,
    );
  }

  #placeOf(at: number): number {
    const { skbs } = this.#slab;
    return (skbs[at + SK_HASH]! ^ (skbs[at + SK_PORTS]! >>> 16)) & (MAX_TPA - 1);
  }

  /** Only ACK set, no IPv4 options, checksums right. */
  #mayBegin(at: number): boolean {
    const { skbs } = this.#slab;
    const flags = skbs[at + SK_FLAGS]!;
    if ((flags & 0xff) !== TCP_ACK || (flags & BAD) !== 0) return false;
    return (flags & SKF_IPV6) !== 0 || this.#view.getUint8(skbs[at + SK_L3]! >>> 0) === 0x45;
  }

  #sameFlow(at: number, frame: Frame): boolean {
    const { skbs } = this.#slab;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    if (skbs[at + SK_PORTS] !== (frame.ports | 0) || v6 !== (frame.version === 6)) return false;
    if (!v6) return skbs[at + SK_SADDR] === frame.saddr && skbs[at + SK_DADDR] === frame.daddr;
    return this.#equal((skbs[at + SK_L3]! >>> 0) + 8, frame.l3 + 8, 32);
  }

  #mergeable(at: number, frame: Frame, kind: number): boolean {
    const { skbs } = this.#slab;
    const view = this.#view;
    const len = frame.payloadLen;
    const otherTags = (((frame.tags << 3) ^ kind) & TAGS) !== 0;
    if (otherTags || (frame.flags & FLAGS) !== TCP_ACK) return false;
    if (skbs[at + SK_END_SEQ] !== (frame.seq | 0)) return false;
    if (len === 0 || len > skbs[at + SK_GSO_SIZE]!) return false;
    const l3 = skbs[at + SK_L3]! >>> 0;
    const l4 = skbs[at + SK_L4]! >>> 0;
    const headers = frame.payload - frame.l3;
    if (headers + skbs[at + SK_LEN]! + len >= GRO_MAX_BYTES) return false;
    if (frame.l4 - frame.l3 !== l4 - l3) return false;
    // Acknowledgement; data offset, flags less PSH and FIN, window; options.
    if (view.getInt32(l4 + 8) !== view.getInt32(frame.l4 + 8)) return false;
    const differing = view.getInt32(l4 + 12) ^ view.getInt32(frame.l4 + 12);
    if ((differing & ~((TCP_PSH | TCP_FIN) << 16)) !== 0) return false;
    if (!this.#equal(l4 + 20, frame.l4 + 20, frame.payload - frame.l4 - 20)) return false;
    if (frame.version === 6) {
      return (
        view.getInt32(l3) === view.getInt32(frame.l3) &&
        view.getUint8(l3 + 7) === view.getUint8(frame.l3 + 7)
      );
    }
    const first = view.getUint16(frame.l3);
    if (first >> 8 !== 0x45 || view.getUint16(l3) !== first) return false;
    if (view.getUint8(l3 + 8) !== view.getUint8(frame.l3 + 8)) return false;
    return view.getUint16(l3 + 6) === view.getUint16(frame.l3 + 6);
  }

  /** Fills the last buffer up, then as many more as it takes. */
  #fill(i: number, queue: SlotQueue, from: number, len: number, placement: SlotPlacement): void {
    const skb = this.#skb[i]!;
    const ring = queue.payloads;
    const first = Math.min(len, this.#room[i]!);
    if (first > 0) {
      placement.copy(this.#tail[i]!, from, first);
      const tail = this.#slab.skbs[skb * SK_WORDS + SK_FRAG_TAIL]! * FR_WORDS;
      this.#slab.frags[tail + FR_LEN]! += first;
      this.#room[i]! -= first;
      this.#tail[i]! += first;
    }
    for (let at = first; at < len; at += ring.bufferBytes) {
      const piece = Math.min(ring.bufferBytes, len - at);
      ring.take();
      placement.copy(ring.addr, from + at, piece);
      placement.addBuffer(skb, queue, 0, piece);
      this.#slots[i]!++;
      this.#room[i] = ring.bufferBytes - piece;
      this.#tail[i] = ring.addr + piece;
    }
  }

  #equal(a: number, b: number, len: number): boolean {
    const view = this.#view;
    for (let i = 0; i < len; i += 4)
      if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
    return true;
  }
}
