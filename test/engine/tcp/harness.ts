import { DEFAULT_COSTS } from "../../../src/engine/clock/costs.js";
import { VirtualClock } from "../../../src/engine/clock/virtual-clock.js";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import { Ledger } from "../../../src/engine/ledger/ledger.js";
import { CpuContext, type NetmemReturn } from "../../../src/engine/netmem/netmem-return.js";
import {
  KIND_PAGE,
  NetmemTable,
  NM_STATE,
  NM_WORDS,
} from "../../../src/engine/netmem/netmem-table.js";
import {
  DRV_RING,
  POOL_CACHE,
  POOL_RING,
  SKB,
  T1,
  T2,
  T3,
  T6,
} from "../../../src/engine/netmem/state.js";
import { Counters } from "../../../src/engine/probe/counters.js";
import { DROP_REASONS, type DropReason } from "../../../src/engine/probe/drop-reasons.js";
import { StageProbe } from "../../../src/engine/probe/stages.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import {
  artefactCounters,
  type TcpArtefact,
  type TcpMib,
  tcpCounters,
} from "../../../src/engine/tcp/mib.js";
import type { SocketEvents } from "../../../src/engine/tcp/socket-face.js";
import { type RcvbufPolicy, SocketTable } from "../../../src/engine/tcp/socket-table.js";
import { TcpStack } from "../../../src/engine/tcp/tcp-stack.js";

/** Truesize of an skb head without payload. */
export const HEAD_TRUESIZE = 768;
/** Truesize that a payload netmem adds. */
export const NETMEM_BYTES = 4096;

const AREA_START = 65536;

export interface Segment {
  /** Endpoint: IPv4 word or four IPv6 words. */
  src?: number | readonly number[];
  dst?: number | readonly number[];
  sport?: number;
  dport?: number;
  seq: number;
  ack?: number;
  /** TCP flags; default ACK. */
  flags?: number;
  window?: number;
  data?: Uint8Array;
  tsval?: number;
  tsecr?: number;
  mss?: number;
  windowScale?: number;
  sackPermitted?: boolean;
  timestamps?: boolean;
  /** Payload lies in the head (not split). */
  linear?: boolean;
  unreadable?: boolean;
  /** Frags that the payload is cut into; default 1. */
  frags?: number;
  gsoSize?: number;
  gsoSegs?: number;
  truesize?: number;
  queue?: number;
}

export interface WorldOptions {
  netmems?: number;
  skbs?: number;
  rcvbuf?: RcvbufPolicy;
  kernel?: string;
  connections?: number;
  maxConnections?: number;
  /** Read at once whenever told; default true. */
  reads?: boolean;
}

/** A pool that keeps every netmem: LIFO list, real ledger transitions. */
class TestPool implements NetmemReturn {
  free: number[] = [];
  constructor(
    readonly ledger: () => Ledger,
    count: number,
  ) {
    for (let n = count - 1; n >= 0; n--) this.free.push(n);
  }

  putUnrefed(n: number): void {
    this.ledger().move(n, POOL_RING, T6);
    this.free.push(n);
  }
}

/** A TCP stack with everything around it, and a reader that copies what it reads. */
export class World implements SocketEvents {
  readonly clock = new VirtualClock();
  readonly cpu = new CpuContext();
  readonly stages = new StageProbe();
  readonly drops = new Counters(DROP_REASONS);
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly slab: S.SkbSlab;
  readonly stack: TcpStack;
  readonly told: number[] = [];
  readonly released: number[] = [];
  readonly chunks: Uint8Array[][] = [];
  reads: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #pool: TestPool;
  readonly #fresh: Uint8Array;

  constructor(options: WorldOptions = {}) {
    const netmems = options.netmems ?? 4096;
    this.reads = options.reads ?? true;
    const buffer = new ArrayBuffer(AREA_START + netmems * NETMEM_BYTES);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.table = new NetmemTable({
      areaStart: AREA_START,
      areaBytes: netmems * NETMEM_BYTES,
      netmemBytes: NETMEM_BYTES,
      areaKind: KIND_PAGE,
      pagesStart: 0,
      pages: 0,
    });
    this.ledger = new Ledger(this.table, this.clock, "count", true);
    this.ledger.openPool(1);
    this.#pool = new TestPool(() => this.ledger, netmems);
    this.#fresh = new Uint8Array(netmems).fill(1);
    this.slab = new S.SkbSlab(
      { skbs: options.skbs ?? netmems, frags: netmems * 2 },
      { ledger: this.ledger, back: this.#pool, clock: this.clock },
    );
    this.stack = new TcpStack({
      slab: this.slab,
      arena: { view: this.#view },
      clock: this.clock,
      cpu: this.cpu,
      costs: DEFAULT_COSTS,
      stages: this.stages,
      profile: KERNEL_PROFILES[options.kernel ?? "7.3"]!,
      drops: this.drops,
      events: this,
      rcvbuf: options.rcvbuf ?? "capture",
      seed: 1,
      connections: options.connections ?? 16,
      ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
    });
  }

  dataReady(sock: number): void {
    this.told.push(sock);
    if (this.reads) this.read(sock);
  }

  releaseUserFrags(sock: number): void {
    this.released.push(sock);
  }

  /** Netmems that are not in the pool. */
  get outstanding(): number {
    return this.table.count - this.#pool.free.length;
  }

  drop(reason: DropReason): number {
    return this.drops.values[DROP_REASONS.indexOf(reason)]!;
  }

  mib(name: TcpMib): number {
    return this.stack.mib.values[this.stack.mib.names.indexOf(name)]!;
  }

  artefact(name: TcpArtefact): number {
    return this.stack.artefacts.values[this.stack.artefacts.names.indexOf(name)]!;
  }

  /** Everything read from a socket so far. */
  text(sock: number): string {
    return Buffer.concat(this.chunks[sock] ?? []).toString("latin1");
  }

  bytes(sock: number): Buffer {
    return Buffer.concat(this.chunks[sock] ?? []);
  }

  /** Reads up to `limit` bytes from a socket as a copying application would. */
  read(sock: number, limit = Number.POSITIVE_INFINITY): number {
    let taken = 0;
    this.chunks[sock] ??= [];
    for (;;) {
      const skb = this.stack.head(sock);
      if (skb < 0) break;
      const at = skb * S.SK_WORDS;
      const skbs = this.slab.skbs;
      const offset = (this.stack.copiedSeq(sock) - skbs[at + S.SK_SEQ]!) | 0;
      const left = skbs[at + S.SK_LEN]! - offset;
      const want = Math.min(left, limit - taken);
      if (want > 0) {
        this.#copy(sock, skb, offset, want);
        this.stack.advance(sock, want);
        taken += want;
      }
      if (want < left) break;
      this.stack.eat(sock);
    }
    this.stack.readDone(sock, taken);
    return taken;
  }

  /** Builds the skb of a segment and gives it to the stack. */
  send(segment: Segment): void {
    this.stack.receive(this.build(segment));
  }

  build(seg: Segment): number {
    const skb = this.slab.allocSkb();
    if (skb < 0) throw new Error("no skb left");
    const skbs = this.slab.skbs;
    const at = skb * S.SK_WORDS;
    const data = seg.data ?? new Uint8Array(0);
    const src = seg.src ?? 0x0a000001;
    const dst = seg.dst ?? 0x0a000002;
    let flags = seg.flags ?? S.TCP_ACK;
    if (seg.tsval !== undefined) flags |= S.SKF_TSTAMP;
    if (seg.unreadable) flags |= S.SKF_UNREADABLE;
    if (seg.linear) flags |= S.SKF_LINEAR;
    flags |= S.SKF_PP_RECYCLE;
    skbs[at + S.SK_SEQ] = seg.seq | 0;
    skbs[at + S.SK_LEN] = data.length;
    skbs[at + S.SK_ACK] = (seg.ack ?? 0) | 0;
    skbs[at + S.SK_WINDOW] = seg.window ?? 65535;
    skbs[at + S.SK_TSVAL] = (seg.tsval ?? 0) | 0;
    skbs[at + S.SK_TSECR] = (seg.tsecr ?? 0) | 0;
    skbs[at + S.SK_GSO_SIZE] = seg.gsoSize ?? 0;
    skbs[at + S.SK_GSO_SEGS] = seg.gsoSegs ?? 1;
    skbs[at + S.SK_HASH] = 0;
    skbs[at + S.SK_PORTS] = ((seg.sport ?? 1000) << 16) | (seg.dport ?? 2000);
    skbs[at + S.SK_L3] = 0;
    skbs[at + S.SK_L4] = 64;
    skbs[at + S.SK_HEAD_TRUESIZE] = HEAD_TRUESIZE;
    skbs[at + S.SK_QUEUE] = seg.queue ?? 0;
    if (typeof src === "number") {
      skbs[at + S.SK_SADDR] = src | 0;
      skbs[at + S.SK_DADDR] = (dst as number) | 0;
    } else {
      flags |= S.SKF_IPV6;
      for (let i = 0; i < 4; i++) {
        this.#view.setUint32(8 + i * 4, src[i]!);
        this.#view.setUint32(24 + i * 4, (dst as readonly number[])[i]!);
      }
    }
    skbs[at + S.SK_FLAGS] = flags;
    this.#writeOptions(seg);
    const truesize = this.#payload(skb, seg, data);
    skbs[at + S.SK_TRUESIZE] = seg.truesize ?? truesize;
    return skb;
  }

  /** Places the payload in netmems; the skb's truesize. */
  #payload(skb: number, seg: Segment, data: Uint8Array): number {
    const pieces = data.length === 0 ? 0 : Math.max(seg.frags ?? 1, Math.ceil(data.length / 4096));
    let from = 0;
    for (let i = 0; i < pieces; i++) {
      const to = i === pieces - 1 ? data.length : Math.floor((data.length * (i + 1)) / pieces);
      const n = this.#take();
      const addr = this.table.addressOf(n);
      this.#bytes.set(data.subarray(from, to), addr);
      this.slab.arrivalNs = this.clock.nowNs;
      this.slab.addFrag(skb, n, addr, to - from);
      const frag = this.slab.skbs[skb * S.SK_WORDS + S.SK_FRAG_TAIL]!;
      this.slab.fragTimes[frag * S.FR_TIMES + S.FR_STAMP_NS] = this.clock.nowNs;
      from = to;
      if (seg.linear) {
        this.ledger.skbGet(n);
        this.slab.skbs[skb * S.SK_WORDS + S.SK_HEAD] = n;
      }
    }
    return HEAD_TRUESIZE + pieces * NETMEM_BYTES;
  }

  #take(): number {
    const n = this.#pool.free.pop();
    if (n === undefined) throw new Error("the test's pool is empty");
    if (this.#fresh[n] === 1) {
      this.#fresh[n] = 0;
      this.ledger.setPool(n, 1);
      this.ledger.move(n, POOL_CACHE, T1);
    } else this.ledger.move(n, POOL_CACHE, T3);
    this.ledger.move(n, DRV_RING, T2);
    this.ledger.post(n, 1);
    this.ledger.driverToSkb(n);
    if (this.table.words[n * NM_WORDS + NM_STATE] !== SKB) {
      throw new Error("the test's netmem is not in an skb");
    }
    return n;
  }

  #writeOptions(seg: Segment): void {
    const options: number[] = [];
    if (seg.mss !== undefined) options.push(2, 4, seg.mss >> 8, seg.mss & 255);
    if (seg.sackPermitted) options.push(4, 2);
    if (seg.timestamps) options.push(8, 10, 0, 0, 0, 0, 0, 0, 0, 0);
    if (seg.windowScale !== undefined) options.push(1, 3, 3, seg.windowScale);
    while (options.length % 4 !== 0) options.push(0);
    this.#bytes[64 + 12] = ((20 + options.length) / 4) << 4;
    this.#bytes.set(options, 64 + 20);
  }

  #copy(sock: number, skb: number, offset: number, want: number): void {
    let frag = this.slab.skbs[skb * S.SK_WORDS + S.SK_FRAG_HEAD]!;
    let skip = offset;
    let left = want;
    while (frag >= 0 && left > 0) {
      const f = frag * S.FR_WORDS;
      const len = this.slab.frags[f + S.FR_LEN]!;
      if (skip < len) {
        const nr = Math.min(len - skip, left);
        const addr = (this.slab.frags[f + S.FR_ADDR]! >>> 0) + skip;
        this.chunks[sock]!.push(this.#bytes.slice(addr, addr + nr));
        left -= nr;
        skip = 0;
      } else skip -= len;
      frag = this.slab.frags[f + S.FR_NEXT]!;
    }
    if (left > 0) throw new Error(`skb ${skb} of socket ${sock} is short of ${left} bytes`);
  }
}

/** A socket table on its own, with its own window, for tests of single rules. */
export function socketTable(): SocketTable {
  const world = new World({ netmems: 16 });
  return new SocketTable(
    {
      slab: world.slab,
      arena: { view: new DataView(new ArrayBuffer(64)) },
      clock: world.clock,
      cpu: world.cpu,
      costs: DEFAULT_COSTS,
      stages: world.stages,
      profile: KERNEL_PROFILES["7.3"]!,
      drops: world.drops,
      events: world,
      rcvbuf: "auto",
      seed: 1,
    },
    tcpCounters().values,
    artefactCounters().values,
  );
}

/** Bytes of a Latin-1 text. */
export function text(value: string): Uint8Array {
  return Uint8Array.from(Buffer.from(value, "latin1"));
}

/** Reverses a segment's direction. */
export function reply(segment: Segment): Segment {
  return {
    src: 0x0a000002,
    dst: 0x0a000001,
    sport: 2000,
    dport: 1000,
    ...segment,
  };
}

/** SYN, SYN-ACK and ACK between the default endpoints, scale 7 on both sides. */
export function handshake(world: World, isn = 1000, otherIsn = 5000, more: Partial<Segment> = {}) {
  const offer = { mss: 1460, sackPermitted: true, windowScale: 7, ...more };
  world.send({ seq: isn, flags: S.TCP_SYN, window: 64240, ...offer });
  world.send(
    reply({ seq: otherIsn, ack: isn + 1, flags: S.TCP_SYN | S.TCP_ACK, window: 64240, ...offer }),
  );
  world.send({ seq: isn + 1, ack: otherIsn + 1, window: 502 });
}
