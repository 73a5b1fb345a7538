import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Arena } from "../memory/arena.js";
import type { Counters } from "../probe/counters.js";
import { dropIndex } from "../probe/drop-reasons.js";
import {
  FR_ADDR,
  FR_LEN,
  FR_NEXT,
  FR_WORDS,
  SK_ACK,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_PORTS,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_TSECR,
  SK_TSVAL,
  SK_WINDOW,
  SK_WORDS,
  SKF_BAD_CSUM,
  SKF_DEFRAGGED,
  SKF_FRAG_LIST,
  SKF_IPV6,
  SKF_TSTAMP,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_TCP, Frame, IPPROTO_TCP } from "../wire/frame.js";

const DUP_FRAG = dropIndex("DUP_FRAG");
const TIMEOUT = dropIndex("FRAG_REASM_TIMEOUT");
const PKT_TOO_SMALL = dropIndex("PKT_TOO_SMALL");
const NO_SOCKET = dropIndex("NO_SOCKET");
const PROTO_MEM = dropIndex("PROTO_MEM");

/** IP_FRAG_TIME and IPV6_FRAG_TIMEOUT. */
const TIMEOUT_V4_NS = 30e9;
const TIMEOUT_V6_NS = 60e9;
/** ipfrag_high_thresh: truesize of all fragments that wait. */
export const FRAG_HIGH_THRESH_BYTES = 4 * 1024 * 1024;
/** The longest datagram that fragments can make. */
const MAX_DATAGRAM_BYTES = 65535;
/** Bytes of scratch memory that a TCP header spread over fragments is gathered in. */
export const DEFRAG_SCRATCH_BYTES = 64;

interface Piece {
  readonly skb: number;
  readonly offset: number;
  readonly end: number;
}

interface FragQueue {
  readonly key: string;
  readonly pieces: Piece[];
  expiresNs: number;
  /** Datagram length once the last fragment came, else -1. */
  total: number;
  bytes: number;
}

/**
 * Joins IP fragments (net/ipv4/inet_fragment.c, RFC 5722): fragments of a datagram wait in offset
 * order; an exact repeat is dropped, any other overlap drops the whole datagram. Rare, so plain
 * objects serve.
 */
export class Defrag {
  /** Reassembled segments whose TCP checksum was wrong. */
  badTcpChecksums = 0;
  /** Datagrams joined. */
  joined = 0;
  readonly #queues = new Map<string, FragQueue>();
  #truesize = 0;
  readonly #frame = new Frame();
  readonly #slab: SkbSlab;
  readonly #arena: Arena;
  readonly #clock: VirtualClock;
  readonly #drops: Counters;
  readonly #scratch: number;
  readonly #verify: boolean;

  constructor(deps: {
    slab: SkbSlab;
    arena: Arena;
    clock: VirtualClock;
    drops: Counters;
    scratch: number;
    verifyChecksums: boolean;
  }) {
    this.#slab = deps.slab;
    this.#arena = deps.arena;
    this.#clock = deps.clock;
    this.#drops = deps.drops;
    this.#scratch = deps.scratch;
    this.#verify = deps.verifyChecksums;
  }

  /** Takes a fragment; answers the joined TCP segment once it is whole, else -1. */
  add(skb: number): number {
    this.expire();
    const skbs = this.#slab.skbs;
    const at = skb * SK_WORDS;
    const offset = skbs[at + SK_SEQ]!;
    const more = (skbs[at + SK_WINDOW]! & 1) !== 0;
    const proto = skbs[at + SK_WINDOW]! >> 8;
    const end = offset + skbs[at + SK_LEN]!;
    if (end > MAX_DATAGRAM_BYTES) return this.#drop(skb, PKT_TOO_SMALL);
    if (this.#truesize > FRAG_HIGH_THRESH_BYTES) return this.#drop(skb, PROTO_MEM);
    const queue = this.#queueOf(at, proto);
    for (const piece of queue.pieces) {
      if (end <= piece.offset || offset >= piece.end) continue;
      this.#drop(skb, DUP_FRAG);
      if (offset < piece.offset || end > piece.end) this.#kill(queue, DUP_FRAG);
      return -1;
    }
    queue.pieces.push({ skb, offset, end });
    queue.bytes += end - offset;
    this.#truesize += skbs[at + SK_TRUESIZE]!;
    if (!more) queue.total = end;
    if (queue.total < 0 || queue.bytes < queue.total) return -1;
    return this.#join(queue, proto);
  }

  /** Frees datagrams whose time is up; called with each fragment and at the end. */
  expire(nowNs = this.#clock.nowNs): void {
    for (const queue of this.#queues.values()) {
      if (queue.expiresNs <= nowNs) this.#kill(queue, TIMEOUT);
    }
  }

  rebase(deltaNs: number): void {
    for (const queue of this.#queues.values()) queue.expiresNs -= deltaNs;
  }

  #queueOf(at: number, proto: number): FragQueue {
    const skbs = this.#slab.skbs;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    const l3 = skbs[at + SK_L3]!;
    const from = v6 ? l3 + 8 : l3 + 12;
    const addrs = this.#arena.bytes.slice(from, from + (v6 ? 32 : 8)).join(".");
    const key = `${addrs} ${skbs[at + SK_ACK]} ${proto}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      const expiresNs = this.#clock.nowNs + (v6 ? TIMEOUT_V6_NS : TIMEOUT_V4_NS);
      queue = { key, pieces: [], expiresNs, total: -1, bytes: 0 };
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #kill(queue: FragQueue, reason: number): void {
    this.#queues.delete(queue.key);
    for (const piece of queue.pieces) {
      this.#truesize -= this.#slab.skbs[piece.skb * SK_WORDS + SK_TRUESIZE]!;
      this.#drop(piece.skb, reason);
    }
  }

  #drop(skb: number, reason: number): number {
    this.#drops.values[reason]!++;
    this.#slab.free(skb);
    return -1;
  }

  /** All data is there: one skb with all frags in order, its TCP header pulled. */
  #join(queue: FragQueue, proto: number): number {
    if (proto !== IPPROTO_TCP) {
      this.#kill(queue, NO_SOCKET);
      return -1;
    }
    this.#queues.delete(queue.key);
    queue.pieces.sort((a, b) => a.offset - b.offset);
    const skbs = this.#slab.skbs;
    const skb = queue.pieces[0]!.skb;
    const at = skb * SK_WORDS;
    this.#truesize -= skbs[at + SK_TRUESIZE]!;
    for (const piece of queue.pieces.slice(1)) {
      const truesize = skbs[piece.skb * SK_WORDS + SK_TRUESIZE]!;
      this.#truesize -= truesize;
      skbs[at + SK_TRUESIZE]! += truesize;
      this.#slab.joinFrags(skb, piece.skb);
      this.#slab.free(piece.skb);
    }
    const sum = this.#checksum(at, queue.total);
    const header = this.#gather(at, Math.min(queue.total, 60));
    const frame = this.#frame;
    frame.parseSegment(this.#arena.view, this.#scratch, this.#scratch + header);
    if (frame.kind !== FRAME_TCP) return this.#drop(skb, PKT_TOO_SMALL);
    if (sum !== 0xffff) this.badTcpChecksums++;
    this.#pull(skb, frame.payload - this.#scratch);
    this.#describe(at, frame, queue.total - (frame.payload - this.#scratch));
    if (sum !== 0xffff && this.#verify) skbs[at + SK_FLAGS]! |= SKF_BAD_CSUM;
    this.joined++;
    return skb;
  }

  /** TCP checksum over the joined frags; all but the last have an even length. */
  #checksum(at: number, length: number): number {
    const skbs = this.#slab.skbs;
    const frags = this.#slab.frags;
    const { kernels } = this.#arena;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    const addrs = skbs[at + SK_L3]! + (v6 ? 8 : 12);
    const init = 0x0600 + ((length & 0xff) << 8) + (length >> 8);
    let sum = kernels.sum(addrs, v6 ? 32 : 8, init);
    let frag = skbs[at + SK_FRAG_HEAD]!;
    while (frag >= 0) {
      const f = frag * FR_WORDS;
      sum = kernels.sum(frags[f + FR_ADDR]! >>> 0, frags[f + FR_LEN]!, sum);
      frag = frags[f + FR_NEXT]!;
    }
    return sum;
  }

  /** Copies the first `want` data bytes into the scratch; answers how many there were. */
  #gather(at: number, want: number): number {
    const frags = this.#slab.frags;
    let frag = this.#slab.skbs[at + SK_FRAG_HEAD]!;
    let have = 0;
    while (frag >= 0 && have < want) {
      const f = frag * FR_WORDS;
      const take = Math.min(frags[f + FR_LEN]!, want - have);
      this.#arena.kernels.copy(this.#scratch + have, frags[f + FR_ADDR]! >>> 0, take);
      have += take;
      frag = frags[f + FR_NEXT]!;
    }
    return have;
  }

  /** Takes `bytes` of header off the front of the frags (pskb_pull). */
  #pull(skb: number, bytes: number): void {
    const { skbs, frags } = this.#slab;
    let left = bytes;
    while (left > 0) {
      const f = skbs[skb * SK_WORDS + SK_FRAG_HEAD]! * FR_WORDS;
      const len = frags[f + FR_LEN]!;
      if (len <= left) {
        this.#slab.dropFirstFrag(skb);
        left -= len;
      } else {
        frags[f + FR_ADDR]! += left;
        frags[f + FR_LEN]! -= left;
        left = 0;
      }
    }
  }

  #describe(at: number, frame: Frame, payloadLen: number): void {
    const skbs = this.#slab.skbs;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    skbs[at + SK_FLAGS]! |= frame.flags | SKF_DEFRAGGED | SKF_FRAG_LIST;
    if (frame.hasTimestamps) {
      skbs[at + SK_FLAGS]! |= SKF_TSTAMP;
      skbs[at + SK_TSVAL] = frame.tsval;
      skbs[at + SK_TSECR] = frame.tsecr;
    }
    if (!v6) {
      const l3 = skbs[at + SK_L3]!;
      skbs[at + SK_SADDR] = this.#arena.view.getInt32(l3 + 12);
      skbs[at + SK_DADDR] = this.#arena.view.getInt32(l3 + 16);
    }
    skbs[at + SK_SEQ] = frame.seq;
    skbs[at + SK_END_SEQ] = (frame.seq + payloadLen) | 0;
    skbs[at + SK_LEN] = payloadLen;
    skbs[at + SK_ACK] = frame.ack;
    skbs[at + SK_WINDOW] = frame.window;
    skbs[at + SK_PORTS] = frame.ports;
    skbs[at + SK_L4] = this.#scratch;
  }
}
