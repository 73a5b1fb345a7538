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
  SK_FRAG_TAIL,
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
import {
  EXT_HOP_BY_HOP,
  extensionBytes,
  isExtensionHeader,
  isHandledProtocol,
  MAX_EXTENSION_HEADERS,
} from "../wire/ip-options.js";

const DUP_FRAG = dropIndex("DUP_FRAG");
const IP_INHDR = dropIndex("IP_INHDR");
const TIMEOUT = dropIndex("FRAG_REASM_TIMEOUT");
const PKT_TOO_SMALL = dropIndex("PKT_TOO_SMALL");
const IP_NOPROTO = dropIndex("IP_NOPROTO");
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

/** Fragments that came one behind the other (a run of inet_frag_queue_insert). */
interface Run {
  readonly offset: number;
  end: number;
}

interface FragQueue {
  readonly key: string;
  readonly pieces: Piece[];
  /** In offset order, apart from each other or not; no two overlap. */
  readonly runs: Run[];
  expiresNs: number;
  /** The largest end so far, and whether it is the datagram's: the last fragment came. */
  length: number;
  lastIn: boolean;
  bytes: number;
}

const APART = 0;
const REPEAT = 1;
const OVERLAP = 2;

/**
 * Joins IP fragments (net/ipv4/inet_fragment.c, ip_frag_queue, ip6_frag_queue, RFC 5722).
 *
 *      run [0 ....... 1448][1448 .. 2896]   run [4344 .. 5792]   <- last fragment: length
 *
 * A fragment that lies within a run is a repeat and dropped; any other overlap, and an end that
 * contradicts the others, drops the whole datagram. Rare, so plain objects serve.
 */
export class Defrag {
  /** Reassembled segments whose TCP checksum was wrong. */
  badTcpChecksums = 0;
  /** Datagrams joined. */
  joined = 0;
  /**
   * By family: each has one timeout, so the order in which queues were made is the order in which
   * they expire, and only the first ones are looked at.
   */
  readonly #v4 = new Map<string, FragQueue>();
  readonly #v6 = new Map<string, FragQueue>();
  #truesize = 0;
  /** What the datagram in hand carries behind its headers. */
  #protocol = 0;
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
    if (offset + skbs[at + SK_LEN]! > MAX_DATAGRAM_BYTES) return this.#drop(skb, IP_INHDR);
    if (this.#truesize > FRAG_HIGH_THRESH_BYTES) return this.#drop(skb, PROTO_MEM);
    if (more && !this.#wholeEights(skb)) return this.#drop(skb, IP_INHDR);
    const end = offset + skbs[at + SK_LEN]!;
    const queue = this.#queueOf(at);
    const contradicts = more
      ? queue.lastIn && end > queue.length
      : end < queue.length || (queue.lastIn && end !== queue.length);
    const bad = contradicts || end === offset;
    const place = bad ? OVERLAP : insert(queue.runs, offset, end);
    if (place !== APART) {
      const reason = bad ? IP_INHDR : DUP_FRAG;
      this.#drop(skb, reason);
      if (place === OVERLAP) this.#kill(queue, reason);
      return -1;
    }
    queue.pieces.push({ skb, offset, end });
    queue.bytes += end - offset;
    queue.length = Math.max(queue.length, end);
    queue.lastIn ||= !more;
    this.#truesize += skbs[at + SK_TRUESIZE]!;
    return queue.lastIn && queue.bytes === queue.length ? this.#join(queue) : -1;
  }

  /** Frees datagrams whose time is up; called with each fragment and at the end. */
  expire(nowNs = this.#clock.nowNs): void {
    this.#expireFirst(this.#v4, nowNs);
    this.#expireFirst(this.#v6, nowNs);
  }

  #expireFirst(queues: ReadonlyMap<string, FragQueue>, nowNs: number): void {
    for (const queue of queues.values()) {
      if (queue.expiresNs > nowNs) return;
      this.#kill(queue, TIMEOUT);
    }
  }

  rebase(deltaNs: number): void {
    for (const queue of this.#v4.values()) queue.expiresNs -= deltaNs;
    for (const queue of this.#v6.values()) queue.expiresNs -= deltaNs;
  }

  /**
   * All fragments but the last are multiples of 8 bytes. IPv4 cuts what is more, IPv6 refuses.
   */
  #wholeEights(skb: number): boolean {
    const { skbs, frags } = this.#slab;
    const at = skb * SK_WORDS;
    const odd = skbs[at + SK_LEN]! & 7;
    if (odd === 0) return true;
    const tail = skbs[at + SK_FRAG_TAIL]! * FR_WORDS;
    if ((skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0 || frags[tail + FR_LEN]! <= odd) return false;
    frags[tail + FR_LEN]! -= odd;
    skbs[at + SK_LEN]! -= odd;
    return true;
  }

  /** The datagram's queue: addresses and identification, and for IPv4 the protocol. */
  #queueOf(at: number): FragQueue {
    const skbs = this.#slab.skbs;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    const l3 = skbs[at + SK_L3]! >>> 0;
    const from = v6 ? l3 + 8 : l3 + 12;
    const addrs = this.#arena.bytes.slice(from, from + (v6 ? 32 : 8)).join(".");
    const key = `${addrs} ${skbs[at + SK_ACK]} ${v6 ? "" : protoOf(skbs[at + SK_WINDOW]!)}`;
    const queues = v6 ? this.#v6 : this.#v4;
    let queue = queues.get(key);
    if (queue === undefined) {
      const expiresNs = this.#clock.nowNs + (v6 ? TIMEOUT_V6_NS : TIMEOUT_V4_NS);
      queue = { key, pieces: [], runs: [], expiresNs, length: 0, lastIn: false, bytes: 0 };
      queues.set(key, queue);
    }
    return queue;
  }

  #kill(queue: FragQueue, reason: number): void {
    this.#forget(queue);
    for (const piece of queue.pieces) {
      this.#truesize -= this.#slab.skbs[piece.skb * SK_WORDS + SK_TRUESIZE]!;
      this.#drop(piece.skb, reason);
    }
  }

  /** Keys hold the addresses, and so the family. */
  #forget(queue: FragQueue): void {
    this.#v4.delete(queue.key);
    this.#v6.delete(queue.key);
  }

  #drop(skb: number, reason: number): number {
    this.#drops.values[reason]!++;
    this.#slab.free(skb);
    return -1;
  }

  /** All data is there: one skb with all frags in order, its headers pulled. */
  #join(queue: FragQueue): number {
    queue.pieces.sort((a, b) => a.offset - b.offset);
    const skbs = this.#slab.skbs;
    const skb = queue.pieces[0]!.skb;
    const at = skb * SK_WORDS;
    this.#forget(queue);
    this.#truesize -= skbs[at + SK_TRUESIZE]!;
    for (const piece of queue.pieces.slice(1)) {
      const truesize = skbs[piece.skb * SK_WORDS + SK_TRUESIZE]!;
      this.#truesize -= truesize;
      skbs[at + SK_TRUESIZE]! += truesize;
      this.#slab.joinFrags(skb, piece.skb);
      this.#slab.free(piece.skb);
    }
    const length = this.#skipExtensions(skb, queue.length);
    if (length < 0) {
      const reason = isHandledProtocol(this.#protocol) ? NO_SOCKET : IP_NOPROTO;
      this.#drops.values[reason]! += queue.pieces.length - 1;
      return this.#drop(skb, reason);
    }
    const sum = this.#checksum(at, length);
    const header = this.#gather(at, Math.min(length, 60));
    const frame = this.#frame;
    frame.parseSegment(this.#arena.view, this.#scratch, this.#scratch + header);
    if (frame.kind !== FRAME_TCP) return this.#drop(skb, PKT_TOO_SMALL);
    if (sum !== 0xffff) this.badTcpChecksums++;
    this.#pull(skb, frame.payload - this.#scratch);
    this.#describe(at, frame, length - (frame.payload - this.#scratch));
    if (sum !== 0xffff && this.#verify) skbs[at + SK_FLAGS]! |= SKF_BAD_CSUM;
    this.joined++;
    return skb;
  }

  /**
   * Pulls IPv6 extension headers that stand behind the fragment header (RFC 8200 4.5); answers the
   * bytes that are left, or -1 where they are no TCP. The first fragment says what it begins with.
   */
  #skipExtensions(skb: number, total: number): number {
    const at = skb * SK_WORDS;
    let proto = protoOf(this.#slab.skbs[at + SK_WINDOW]!);
    let left = total;
    for (let headers = 0; headers < MAX_EXTENSION_HEADERS && proto !== IPPROTO_TCP; headers++) {
      const v6 = (this.#slab.skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
      this.#protocol = proto;
      const walked = v6 && isExtensionHeader(proto) && proto !== EXT_HOP_BY_HOP;
      if (!walked || this.#gather(at, 8) < 8) return -1;
      proto = this.#arena.view.getUint8(this.#scratch);
      const bytes = extensionBytes(this.#arena.view, this.#scratch);
      if (bytes > left) return -1;
      this.#pull(skb, bytes);
      left -= bytes;
    }
    this.#protocol = proto;
    return proto === IPPROTO_TCP ? left : -1;
  }

  /** TCP checksum over the joined frags; all but the last have an even length. */
  #checksum(at: number, length: number): number {
    const skbs = this.#slab.skbs;
    const frags = this.#slab.frags;
    const { kernels } = this.#arena;
    const v6 = (skbs[at + SK_FLAGS]! & SKF_IPV6) !== 0;
    const addrs = (skbs[at + SK_L3]! >>> 0) + (v6 ? 8 : 12);
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
      const l3 = skbs[at + SK_L3]! >>> 0;
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

/** The protocol that the NIC's parser found behind a fragment's IP headers. */
function protoOf(window: number): number {
  return window >> 8;
}

/** Puts a fragment among the runs, unless it repeats what is there or overlaps it. */
function insert(runs: Run[], offset: number, end: number): number {
  const tail = runs.at(-1);
  if (tail === undefined || offset > tail.end) runs.push({ offset, end });
  else if (offset === tail.end) tail.end = end;
  else {
    const next = firstBeyond(runs, offset);
    const run = runs[next]!;
    if (end > run.offset) return offset >= run.offset && end <= run.end ? REPEAT : OVERLAP;
    runs.splice(next, 0, { offset, end });
  }
  return APART;
}

/** The first run that ends behind `offset`; there is one. */
function firstBeyond(runs: readonly Run[], offset: number): number {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offset < runs[middle]!.end) high = middle;
    else low = middle + 1;
  }
  return low;
}
