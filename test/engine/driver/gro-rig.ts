import { VirtualClock } from "../../../src/engine/clock/virtual-clock.js";
import { Gro } from "../../../src/engine/driver/gro.js";
import { Ledger } from "../../../src/engine/ledger/ledger.js";
import { Arena } from "../../../src/engine/memory/arena.js";
import { KIND_PAGE, NetmemTable } from "../../../src/engine/netmem/netmem-table.js";
import { DRV_RING, POOL_CACHE, POOL_RING, T1, T2, T6 } from "../../../src/engine/netmem/state.js";
import * as S from "../../../src/engine/skb/skb-slab.js";

/** A segment as GRO sees it; what is not given is that of a plain data segment of one flow. */
export interface GroSegment {
  /** Kept in the skb (SK_TSVAL), so that it can be told again; the first one's in a merged skb. */
  id?: number;
  flow?: number;
  seq?: number;
  len?: number;
  flags?: number;
  ack?: number;
  window?: number;
  /** TCP options in whole words. */
  options?: readonly number[];
  v6?: boolean;
  /** Source address, IPv4 as one word, IPv6 as four. */
  src?: number;
  hash?: number;
  sport?: number;
  tos?: number;
  ttl?: number;
  df?: boolean;
  ipId?: number;
  tags?: number;
  frags?: number;
  /** SK_FLAGS besides the TCP flags. */
  more?: number;
  linear?: boolean;
  truesize?: number;
  headTruesize?: number;
}

/** What came out of GRO. */
export interface Up {
  readonly skb: number;
  readonly id: number;
  readonly seq: number;
  readonly len: number;
  readonly segs: number;
  readonly gsoSize: number;
  readonly frags: number;
  readonly truesize: number;
  readonly flags: number;
  readonly netmems: readonly number[];
}

const NETMEMS = 512;
const BYTES = 4096;

/** A GRO with hand-made skbs: each has a head page and one page a frag. */
export class GroRig {
  readonly clock = new VirtualClock();
  readonly arena = new Arena(65536 + NETMEMS * BYTES);
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly slab: S.SkbSlab;
  readonly gro: Gro;
  readonly up: Up[] = [];
  readonly free: number[] = [];

  constructor() {
    this.table = new NetmemTable({
      areaStart: 65536,
      areaBytes: NETMEMS * BYTES,
      netmemBytes: BYTES,
      areaKind: KIND_PAGE,
      pagesStart: 0,
      pages: 0,
    });
    this.ledger = new Ledger(this.table, this.clock, "trace", false);
    for (let n = NETMEMS - 1; n >= 0; n--) this.free.push(n);
    const back = {
      putUnrefed: (n: number) => {
        this.ledger.move(n, POOL_RING, T6);
        this.free.push(n);
      },
    };
    const { ledger, clock, arena } = this;
    this.slab = new S.SkbSlab({ skbs: 512, frags: 2048 }, { ledger, back, clock });
    const up = { receive: (skb: number) => this.#taken(skb) };
    this.gro = new Gro({ slab: this.slab, arena, clock, up });
  }

  /** Netmems that are out. */
  get out(): number {
    return NETMEMS - this.free.length;
  }

  /** Sends segments through GRO in order. */
  receive(...segments: readonly GroSegment[]): this {
    for (const segment of segments) this.gro.receive(this.make(segment), segment.tags ?? 0);
    return this;
  }

  /** Ends the poll; answers all that came up since the last call. */
  flush(oldOnly = false): Up[] {
    this.gro.flushAll(oldOnly);
    return this.up.splice(0);
  }

  make(of: GroSegment): number {
    const { slab } = this;
    const skb = slab.allocSkb();
    const at = skb * S.SK_WORDS;
    const head = this.#page();
    const l3 = this.table.addressOf(head);
    const len = of.len ?? 1000;
    const flow = of.flow ?? 0;
    const flags = of.flags ?? S.TCP_ACK;
    const v6 = of.v6 ?? false;
    const l4 = l3 + (v6 ? 40 : 20);
    this.#headers(of, l3, l4);
    const words: Array<readonly [number, number]> = [
      [S.SK_SEQ, of.seq ?? 0],
      [S.SK_LEN, len],
      [S.SK_END_SEQ, ((of.seq ?? 0) + len) | 0],
      [S.SK_FLAGS, flags | S.SKF_PP_RECYCLE | (v6 ? S.SKF_IPV6 : 0)],
      [S.SK_HEAD, head],
      [S.SK_HEAD_TRUESIZE, of.headTruesize ?? 768],
      [S.SK_TRUESIZE, of.truesize ?? 768 + 1024],
      [S.SK_HASH, of.hash ?? flow],
      [S.SK_SADDR, v6 ? 0 : (of.src ?? 0x0a000001)],
      [S.SK_DADDR, v6 ? 0 : 0x0a000002],
      [S.SK_PORTS, ((of.sport ?? 1000 + flow) << 16) | 80],
      [S.SK_L3, l3],
      [S.SK_L4, l4],
      [S.SK_TSVAL, of.id ?? 0],
      [S.SK_GSO_SIZE, 0],
      [S.SK_GSO_SEGS, 1],
    ];
    for (const [word, value] of words) slab.skbs[at + word] = value;
    slab.skbs[at + S.SK_FLAGS]! ^= of.more ?? 0;
    this.#payload(skb, of, len, head);
    return skb;
  }

  #headers(of: GroSegment, l3: number, l4: number): void {
    const { view } = this.arena;
    const options = of.options ?? [];
    if (of.v6) {
      view.setUint32(l3, 0x60000000 | ((of.tos ?? 0) << 20));
      view.setUint8(l3 + 7, of.ttl ?? 64);
      view.setUint32(l3 + 8 + 12, of.src ?? 1);
      view.setUint32(l3 + 24 + 12, 2);
    } else {
      view.setUint8(l3, 0x45);
      view.setUint8(l3 + 1, of.tos ?? 0);
      view.setUint16(l3 + 4, of.ipId ?? 0);
      view.setUint8(l3 + 6, (of.df ?? true) ? 0x40 : 0);
      view.setUint8(l3 + 8, of.ttl ?? 64);
      view.setUint32(l3 + 12, of.src ?? 0x0a000001);
      view.setUint32(l3 + 16, 0x0a000002);
    }
    view.setUint32(l4, ((of.sport ?? 1000 + (of.flow ?? 0)) << 16) | 80);
    view.setUint32(l4 + 4, of.seq ?? 0);
    view.setUint32(l4 + 8, of.ack ?? 5);
    view.setUint8(l4 + 12, ((20 + options.length * 4) / 4) << 4);
    view.setUint8(l4 + 13, of.flags ?? S.TCP_ACK);
    view.setUint16(l4 + 14, of.window ?? 500);
    options.forEach((word, i) => {
      view.setUint32(l4 + 20 + i * 4, word);
    });
  }

  /** Payload in `frags` pages of its own, or behind the headers in the head's page. */
  #payload(skb: number, of: GroSegment, len: number, head: number): void {
    if (len === 0) return;
    const at = skb * S.SK_WORDS;
    if (of.linear) {
      this.slab.skbs[at + S.SK_FLAGS]! |= S.SKF_LINEAR;
      this.ledger.skbGet(head);
      this.slab.addFrag(skb, head, this.table.addressOf(head) + 100, len);
      return;
    }
    const frags = of.frags ?? 1;
    for (let i = 0; i < frags; i++) {
      const n = this.#page();
      const piece = i < frags - 1 ? 1 : len - (frags - 1);
      this.slab.addFrag(skb, n, this.table.addressOf(n), piece);
    }
  }

  /** A page that an skb holds. */
  #page(): number {
    const n = this.free.pop()!;
    const { ledger } = this;
    ledger.move(n, POOL_CACHE, T1);
    ledger.move(n, DRV_RING, T2);
    ledger.post(n, 1);
    ledger.driverToSkb(n);
    return n;
  }

  #taken(skb: number): void {
    const { skbs, frags } = this.slab;
    const at = skb * S.SK_WORDS;
    const netmems: number[] = [];
    for (let f = skbs[at + S.SK_FRAG_HEAD]!; f >= 0; f = frags[f * S.FR_WORDS + S.FR_NEXT]!) {
      netmems.push(frags[f * S.FR_WORDS + S.FR_NETMEM]!);
    }
    this.up.push({
      skb,
      id: skbs[at + S.SK_TSVAL]!,
      seq: skbs[at + S.SK_SEQ]!,
      len: skbs[at + S.SK_LEN]!,
      segs: skbs[at + S.SK_GSO_SEGS]!,
      gsoSize: skbs[at + S.SK_GSO_SIZE]!,
      frags: skbs[at + S.SK_NR_FRAGS]!,
      truesize: skbs[at + S.SK_TRUESIZE]!,
      flags: skbs[at + S.SK_FLAGS]!,
      netmems,
    });
    this.slab.free(skb);
  }
}
