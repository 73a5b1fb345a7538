import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Arena } from "../memory/arena.js";
import {
  MAX_SKB_FRAGS,
  SK_DADDR,
  SK_FLAGS,
  SK_GSO_SEGS,
  SK_GSO_SIZE,
  SK_HASH,
  SK_HEAD_TRUESIZE,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_NR_FRAGS,
  SK_PORTS,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  SKF_FIXED_ID,
  SKF_FRAG_LIST,
  SKF_IPV6,
  SKF_LINEAR,
  SKF_PP_RECYCLE,
  SKF_SHARED_FRAG,
  SKF_UNREADABLE,
  type SkbSlab,
  TCP_ACK,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
} from "../skb/skb-slab.js";

/** Where GRO hands skbs up. */
export interface SkbReceiver {
  /** Takes over an skb that is ready for the network layer. */
  receive(skb: number): void;
}

/** GRO_HASH_BUCKETS. */
export const GRO_BUCKETS = 8;
/** MAX_GRO_SKBS: held skbs a bucket; one more evicts the oldest. */
export const MAX_GRO_SKBS = 8;
/** gro_max_size of TCP, legacy cap; the merged skb, IP and TCP header included, stays below. */
export const GRO_MAX_BYTES = 65536;
/** Held skbs older than this are flushed when a poll ends on its budget (one jiffy, HZ 1000). */
const OLD_NS = 1_000_000;

/** Tags without the sign that says Ethernet. */
const TAG_BITS = 0x0fffffff;
/** Version and flow label in the first word of an IPv6 header. */
const FLOW_BITS = 0xf00fffff | 0;
/** DF in the word of identification and fragment offset. */
const IP_DF = 0x4000;
/** Neither held nor merged: bad checksums, and frags that others share. */
const BAD = SKF_BAD_CSUM | SKF_BAD_IP_CSUM | SKF_SHARED_FRAG;
const ENDS_BATCH = TCP_PSH | TCP_FIN | TCP_URG | TCP_RST | TCP_SYN;

/** Words of a held skb: itself, its tags, its hash, and the frags of its chain's last skb. */
const HELD_WORDS = 4;
const HELD_SKB = 0;
const HELD_TAGS = 1;
const HELD_HASH = 2;
const HELD_LAST_FRAGS = 3;

/**
 * Generic receive offload (net/core/gro.c dev_gro_receive, skb_gro_receive; net/ipv4/tcp_offload.c
 * tcp_gro_receive): joins consecutive segments of a flow within a poll.
 *
 *      bucket = hash & 7      held    [skb|tags|hash|last frags] ...    oldest first, at most 8
 *                             since   [time] ...
 *
 * Frags move into the held skb up to MAX_SKB_FRAGS; what comes then is chained on frag_list, and
 * takes later frags itself. The model keeps one list of frags, so readers walk them all, and
 * HELD_LAST_FRAGS counts those of the chain's last skb.
 */
export class Gro {
  readonly #held = new Int32Array(GRO_BUCKETS * MAX_GRO_SKBS * HELD_WORDS);
  readonly #sinceNs = new Float64Array(GRO_BUCKETS * MAX_GRO_SKBS);
  readonly #count = new Int32Array(GRO_BUCKETS);
  /** Held skbs in all buckets. */
  #total = 0;
  readonly #slab: SkbSlab;
  readonly #view: DataView;
  readonly #clock: VirtualClock;
  readonly #up: SkbReceiver;

  constructor(deps: { slab: SkbSlab; arena: Arena; clock: VirtualClock; up: SkbReceiver }) {
    this.#slab = deps.slab;
    this.#view = deps.arena.view;
    this.#clock = deps.clock;
    this.#up = deps.up;
  }

  /**
   * Takes a TCP skb from the driver: merged, held, or handed up. `tags`: its VLAN stack, negative
   * behind an Ethernet header.
   */
  receive(skb: number, tags: number): void {
    const skbs = this.#slab.skbs;
    const held = this.#held;
    const at = skb * SK_WORDS;
    const flags = skbs[at + SK_FLAGS]!;
    const hash = skbs[at + SK_HASH]!;
    const bucket = hash & (GRO_BUCKETS - 1);
    const base = bucket * MAX_GRO_SKBS;
    const count = this.#count[bucket]!;
    for (let slot = base; slot < base + count; slot++) {
      const h = slot * HELD_WORDS;
      if (held[h + HELD_HASH] !== hash || held[h + HELD_TAGS] !== tags) continue;
      const p = held[h + HELD_SKB]! * SK_WORDS;
      if (!this.#sameFlow(p, at, tags)) continue;
      if (this.#mergeable(p, at)) {
        const short = skbs[at + SK_LEN]! < skbs[p + SK_GSO_SIZE]!;
        this.#merge(h, skb);
        if (short || (flags & ENDS_BATCH) !== 0) this.#flush(bucket, slot);
        return;
      }
      this.#flush(bucket, slot);
      break;
    }
    if (skbs[at + SK_LEN] === 0 || (flags & (ENDS_BATCH | BAD)) !== 0) {
      this.#up.receive(skb);
      return;
    }
    if (this.#count[bucket] === MAX_GRO_SKBS) this.#flush(bucket, base);
    this.#hold(base + this.#count[bucket]!++, skb, tags);
  }

  /**
   * Takes a TCP skb that the hardware aggregated: handed up as it is, behind what is held of its
   * flow. The kernel may merge further segments to it where they are as long.
   */
  pass(skb: number, tags: number): void {
    const at = skb * SK_WORDS;
    const held = this.#held;
    const bucket = this.#slab.skbs[at + SK_HASH]! & (GRO_BUCKETS - 1);
    const base = bucket * MAX_GRO_SKBS;
    for (let slot = base; slot < base + this.#count[bucket]!; slot++) {
      const h = slot * HELD_WORDS;
      if (held[h + HELD_TAGS] !== tags) continue;
      if (!this.#sameFlow(held[h + HELD_SKB]! * SK_WORDS, at, tags)) continue;
      this.#flush(bucket, slot);
      break;
    }
    this.#up.receive(skb);
  }

  /** End of a poll: hands up what is held; after a full budget only what is old. */
  flushAll(oldOnly: boolean): void {
    if (this.#total === 0) return;
    const before = oldOnly ? this.#clock.nowNs - OLD_NS : Number.POSITIVE_INFINITY;
    for (let bucket = 0; bucket < GRO_BUCKETS; bucket++) {
      const base = bucket * MAX_GRO_SKBS;
      const end = base + this.#count[bucket]!;
      let slot = base;
      for (; slot < end && this.#sinceNs[slot]! < before; slot++) this.#handUp(slot);
      if (slot > base) this.#close(bucket, base, slot);
    }
  }

  /** Hands up the held skb of a slot; the younger ones of its bucket move down. */
  #flush(bucket: number, slot: number): void {
    const skb = this.#settle(slot);
    this.#close(bucket, slot, slot + 1);
    this.#up.receive(skb);
  }

  /** Hands up the held skb of a slot, which {@link Gro.#close} then empties. */
  #handUp(slot: number): void {
    this.#up.receive(this.#settle(slot));
  }

  /** The skb of a slot as it goes up: its segments' length counts only where it has several. */
  #settle(slot: number): number {
    const skb = this.#held[slot * HELD_WORDS + HELD_SKB]!;
    const at = skb * SK_WORDS;
    const skbs = this.#slab.skbs;
    if (skbs[at + SK_GSO_SEGS] === 1) skbs[at + SK_GSO_SIZE] = 0;
    return skb;
  }

  /** Slots `from` to `to - 1` of a bucket are empty: the younger ones move down. */
  #close(bucket: number, from: number, to: number): void {
    const held = this.#held;
    const sinceNs = this.#sinceNs;
    const gone = to - from;
    const end = bucket * MAX_GRO_SKBS + this.#count[bucket]! - gone;
    for (let slot = from; slot < end; slot++) sinceNs[slot] = sinceNs[slot + gone]!;
    for (let h = from * HELD_WORDS; h < end * HELD_WORDS; h++) {
      held[h] = held[h + gone * HELD_WORDS]!;
    }
    this.#count[bucket]! -= gone;
    this.#total -= gone;
  }

  /** Holds an skb in a free slot. */
  #hold(slot: number, skb: number, tags: number): void {
    const skbs = this.#slab.skbs;
    const held = this.#held;
    const at = skb * SK_WORDS;
    const h = slot * HELD_WORDS;
    held[h + HELD_SKB] = skb;
    held[h + HELD_TAGS] = tags;
    held[h + HELD_HASH] = skbs[at + SK_HASH]!;
    held[h + HELD_LAST_FRAGS] = skbs[at + SK_NR_FRAGS]!;
    this.#sinceNs[slot] = this.#clock.nowNs;
    skbs[at + SK_GSO_SIZE] = skbs[at + SK_LEN]!;
    this.#total++;
  }

  /**
   * Same MAC header, addresses, flow label and ports (gro_list_prepare, inet_gro_receive,
   * ipv6_gro_receive and the first half of tcp_gro_receive). `tags` is negative for Ethernet.
   */
  #sameFlow(p: number, q: number, tags: number): boolean {
    const skbs = this.#slab.skbs;
    if (skbs[p + SK_PORTS] !== skbs[q + SK_PORTS] || skbs[p + SK_HASH] !== skbs[q + SK_HASH]) {
      return false;
    }
    if (((skbs[p + SK_FLAGS]! ^ skbs[q + SK_FLAGS]!) & SKF_IPV6) !== 0) return false;
    const l3p = skbs[p + SK_L3]! >>> 0;
    const l3q = skbs[q + SK_L3]! >>> 0;
    if (tags < 0) {
      // Both addresses; in front of the type, and of one VLAN tag where there is any.
      const mac = (tags & TAG_BITS) === 0 ? 14 : 18;
      if (!this.#equalWords(l3p - mac, l3q - mac, 12)) return false;
    }
    if ((skbs[p + SK_FLAGS]! & SKF_IPV6) === 0) {
      return skbs[p + SK_SADDR] === skbs[q + SK_SADDR] && skbs[p + SK_DADDR] === skbs[q + SK_DADDR];
    }
    if (((this.#view.getInt32(l3p) ^ this.#view.getInt32(l3q)) & FLOW_BITS) !== 0) return false;
    return this.#equalWords(l3p + 8, l3q + 8, 32);
  }

  /** The second half: what makes the kernel flush instead of merge. */
  #mergeable(p: number, q: number): boolean {
    const skbs = this.#slab.skbs;
    const view = this.#view;
    const mss = skbs[p + SK_GSO_SIZE]!;
    const len = skbs[q + SK_LEN]!;
    const flags = skbs[q + SK_FLAGS]!;
    const differing = skbs[p + SK_FLAGS]! ^ flags;
    if ((flags & (TCP_CWR | BAD)) !== 0 || (flags & TCP_ACK) === 0) return false;
    // A later packet without readable payload must not join an unreadable skb, nor the reverse;
    // one pool a queue keeps pp_recycle and readability alike (the exceptions are unsplit frames).
    if ((differing & (SKF_PP_RECYCLE | SKF_UNREADABLE)) !== 0) return false;
    const l4p = skbs[p + SK_L4]! >>> 0;
    const l4q = skbs[q + SK_L4]! >>> 0;
    const word = view.getInt32(l4q + 12);
    // Data offset, flags less FIN and PSH, and window: one header word.
    if (((word ^ view.getInt32(l4p + 12)) & ~((TCP_FIN | TCP_PSH) << 16)) !== 0) return false;
    if (view.getInt32(l4p + 8) !== view.getInt32(l4q + 8)) return false;
    const options = ((word >>> 28) << 2) - 20;
    if (options > 0 && !this.#equalWords(l4p + 20, l4q + 20, options)) return false;
    if (!this.#sameHop(p, q)) return false;
    if (len === 0 || len > mss) return false;
    const headers = l4p - (skbs[p + SK_L3]! >>> 0) + 20 + options;
    if (headers + skbs[p + SK_LEN]! + len >= GRO_MAX_BYTES) return false;
    return ((skbs[p + SK_SEQ]! + skbs[p + SK_LEN]!) | 0) === skbs[q + SK_SEQ];
  }

  /**
   * Type of service, time to live, DF and identification (IPv4), or traffic class, flow label and
   * hop limit. Identifications count up from the first one's; with DF they may instead all be the
   * same, which the second segment decides (inet_gro_flush).
   */
  #sameHop(p: number, q: number): boolean {
    const skbs = this.#slab.skbs;
    const view = this.#view;
    const l3p = skbs[p + SK_L3]! >>> 0;
    const l3q = skbs[q + SK_L3]! >>> 0;
    if ((skbs[p + SK_FLAGS]! & SKF_IPV6) === 0) {
      // Identification, flags and fragment offset: the frames are no fragments, so DF is left.
      const word = view.getInt32(l3p + 4);
      const other = view.getInt32(l3q + 4);
      if (((word ^ other) & IP_DF) !== 0) return false;
      // Version, header length and type of service; options are never merged (inet_gro_receive).
      const first = view.getUint16(l3q);
      if (first >> 8 !== 0x45 || view.getUint16(l3p) !== first) return false;
      if (view.getUint8(l3p + 8) !== view.getUint8(l3q + 8)) return false;
      const apart = ((other >>> 16) - (word >>> 16)) & 0xffff;
      const segs = skbs[p + SK_GSO_SEGS]!;
      if (apart === 0 && segs === 1 && (word & IP_DF) !== 0) skbs[p + SK_FLAGS]! |= SKF_FIXED_ID;
      return apart === ((skbs[p + SK_FLAGS]! & SKF_FIXED_ID) !== 0 ? 0 : segs & 0xffff);
    }
    return (
      view.getInt32(l3p) === view.getInt32(l3q) && view.getUint8(l3p + 7) === view.getUint8(l3q + 7)
    );
  }

  /**
   * Appends `skb` to the held skb at word `h` (skb_gro_receive): frags move and the head goes, or,
   * where the frags are too many for one skb, it is chained whole. The model puts a chained skb's
   * head already here; its truesize stays charged.
   */
  #merge(h: number, skb: number): void {
    const held = this.#held;
    const p = held[h + HELD_SKB]!;
    const slab = this.#slab;
    const skbs = slab.skbs;
    const to = p * SK_WORDS;
    const from = skb * SK_WORDS;
    const flags = skbs[from + SK_FLAGS]!;
    // A linear payload's head is stolen as a frag; else the whole head is freed.
    let head = (flags & SKF_LINEAR) !== 0 ? SKB_OVERHEAD_BYTES : skbs[from + SK_HEAD_TRUESIZE]!;
    const frags = skbs[from + SK_NR_FRAGS]!;
    if (held[h + HELD_LAST_FRAGS]! + frags > MAX_SKB_FRAGS) {
      head = 0;
      skbs[to + SK_FLAGS]! |= SKF_FRAG_LIST;
      held[h + HELD_LAST_FRAGS] = frags;
    } else held[h + HELD_LAST_FRAGS]! += frags;
    slab.joinFrags(p, skb);
    skbs[to + SK_LEN]! += skbs[from + SK_LEN]!;
    skbs[to + SK_TRUESIZE]! += skbs[from + SK_TRUESIZE]! - head;
    skbs[to + SK_GSO_SEGS]!++;
    skbs[to + SK_FLAGS]! |= flags & (TCP_FIN | TCP_PSH);
    slab.free(skb);
  }

  /** Whether `len` bytes, whole words, are the same; the first three often are all. */
  #equalWords(a: number, b: number, len: number): boolean {
    const view = this.#view;
    if (len >= 12) {
      if (view.getInt32(a, true) !== view.getInt32(b, true)) return false;
      if (view.getInt32(a + 4, true) !== view.getInt32(b + 4, true)) return false;
      if (view.getInt32(a + 8, true) !== view.getInt32(b + 8, true)) return false;
    }
    for (let i = len >= 12 ? 12 : 0; i < len; i += 4) {
      if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false;
    }
    return true;
  }
}
