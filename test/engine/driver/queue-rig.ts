import { sha256 } from "../../../fixtures/conversation.js";
import { ACK, ethernet, ipv4, tcp } from "../../../fixtures/frames.js";
import { COST_TABLES, type Costs } from "../../../src/engine/clock/costs.js";
import { Netdev, type QueueWithPools } from "../../../src/engine/driver/netdev.js";
import { Nic, type SplitPlan } from "../../../src/engine/driver/nic.js";
import { Placement } from "../../../src/engine/driver/placement.js";
import type { Placer } from "../../../src/engine/driver/placer.js";
import { type DriverName, FBNIC, HEAD_BYTES } from "../../../src/engine/driver/profile.js";
import { DRIVER_PROFILES } from "../../../src/engine/driver/profiles.js";
import type { ReceiveQueue } from "../../../src/engine/driver/receive-queue.js";
import type { NapiPlan, RxQueue } from "../../../src/engine/driver/rx-queue.js";
import { SlotPlacement } from "../../../src/engine/driver/slot-placement.js";
import { BNXT, GVE } from "../../../src/engine/driver/slot-profiles.js";
import type { SlotQueue } from "../../../src/engine/driver/slot-queue.js";
import { Steering } from "../../../src/engine/driver/steering.js";
import { Arena } from "../../../src/engine/memory/arena.js";
import { Counters } from "../../../src/engine/probe/counters.js";
import { DROP_REASONS, type DropReason } from "../../../src/engine/probe/drop-reasons.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import { type Kind, Rig } from "../page-pool/rig.js";

const AREA_START = 1 << 18;
/** Longer than any poll of a few packets takes. */
const APART_NS = 1_000_000;

/** A frag of an skb that came up: where it lies in its netmem. */
export interface Piece {
  readonly netmem: number;
  readonly offset: number;
  readonly len: number;
}

/** An skb as the driver handed it up. */
export interface Got {
  readonly skb: number;
  /** FRAME_ constant, or -1 for a TCP skb out of GRO. */
  readonly kind: number;
  readonly queue: number;
  readonly nowNs: number;
  readonly seq: number;
  readonly len: number;
  readonly segs: number;
  readonly flags: number;
  readonly head: number;
  readonly truesize: number;
  readonly headTruesize: number;
  readonly pieces: readonly Piece[];
  /** SHA-256 of the payload. */
  readonly sha256: string;
}

/** What a queue rig is made of; what is not given has a small default. */
export interface QueueOptions {
  kind?: Kind;
  netmems?: number;
  netmemBytes?: number;
  pages?: number;
  driver?: DriverName;
  ring?: number;
  queues?: number;
  napi?: Partial<NapiPlan>;
  split?: SplitPlan;
  verify?: boolean;
  costs?: Costs;
  skbs?: number;
  /** Frees every skb as it comes up; default true. */
  frees?: boolean;
  steer?: ConstructorParameters<typeof Steering>[0];
}

/** A device without a network layer: what it hands up is looked at, then freed or kept. */
export class QueueRig {
  readonly rig: Rig;
  readonly arena: Arena;
  readonly slab: S.SkbSlab;
  readonly drops = new Counters(DROP_REASONS);
  readonly netdev: Netdev;
  readonly nic: Nic;
  readonly placement: Placer;
  readonly made: QueueWithPools[] = [];
  readonly rest: QueueWithPools[] = [];
  readonly up: Got[] = [];
  frees: boolean;
  /** skbs that the stack keeps. */
  readonly kept: number[] = [];

  constructor(options: QueueOptions = {}) {
    const kind = options.kind ?? "devmem";
    const netmems = options.netmems ?? 256;
    const netmemBytes = options.netmemBytes ?? 4096;
    const pages = kind === "page" ? 0 : (options.pages ?? 512);
    this.frees = options.frees ?? true;
    const skbs = options.skbs ?? 8192;
    const headsStart = AREA_START + netmems * netmemBytes + pages * 4096 + 65536;
    this.arena = new Arena(headsStart + skbs * HEAD_BYTES);
    this.rig = new Rig(kind, netmems, { pages, netmemBytes, areaStart: AREA_START, mode: "trace" });
    const { rig, arena } = this;
    const { ledger, clock, cpu, pools, stages, table } = rig;
    this.slab = new S.SkbSlab({ skbs, frags: 65536 }, { ledger, back: pools, clock });
    const { slab, drops } = this;
    const costs = options.costs ?? COST_TABLES.free!;
    const napi = { budget: 64, rxUsecs: 0, rxFrames: 1, ...options.napi };
    const up = {
      receive: (skb: number) => this.#taken(skb, -1),
      receiveOther: (skb: number, kindOf: number) => this.#taken(skb, kindOf),
    };
    const napiAnd = { napi, pools, costs, stages, arena, slab, ledger, clock, cpu };
    const driver = options.driver ?? "fbnic";
    const shared = { profile: DRIVER_PROFILES[driver], ring: options.ring ?? 256, ...napiAnd };
    const queues = options.queues ?? 1;
    const rxQueues = queues + (kind === "page" ? 0 : 1);
    const tcpDataSplit = options.split?.mode !== "off";
    this.netdev = new Netdev({ ...shared, rxQueues, tcpDataSplit, drops, up });
    const { provider, pages: system } = rig;
    for (let i = 0; provider !== null && i < queues; i++) {
      const refused = this.netdev.open(i, { pages: system, provider, netmemBytes });
      if (refused !== 0) throw new Error(`open: ${refused}`);
    }
    for (let i = 0; i < queues; i++) this.made.push(this.#add(netmemBytes, true));
    const verifyChecksums = options.verify ?? false;
    const memory = { arena, table, slab, verifyChecksums, heads: headsStart };
    this.placement =
      driver === "fbnic"
        ? new Placement({ ...memory, profile: FBNIC })
        : new SlotPlacement({ ...memory, profile: driver === "bnxt" ? BNXT : GVE });
    this.nic = new Nic({
      arena,
      profile: DRIVER_PROFILES[driver],
      placement: this.placement,
      split: options.split ?? { mode: "on", failEvery: 0 },
      steering: new Steering(options.steer ?? "all"),
      queues: {
        provider: this.made.map(({ queue }) => queue),
        rest: () => this.#restQueues(kind),
      },
    });
  }

  get queue(): RxQueue {
    return this.made[0]!.queue as RxQueue;
  }

  /** The first queue of a driver that gives packets whole buffers. */
  get slots(): SlotQueue {
    return this.made[0]!.queue as unknown as SlotQueue;
  }

  drop(reason: DropReason): number {
    return this.drops.values[DROP_REASONS.indexOf(reason)]!;
  }

  counter(name: string): number {
    return this.netdev.counters.values[this.netdev.counters.names.indexOf(name as never)]!;
  }

  /** A frame arrives at `atNs`, by default so late that every frame has a poll of its own. */
  arrive(
    frame: Uint8Array,
    atNs = this.rig.clock.nowNs + APART_NS,
    wire = frame.length,
  ): ReceiveQueue {
    this.runTo(atNs);
    this.arena.bytes.set(frame, 0);
    this.placement.arrivalNs = atNs;
    return this.nic.receive(0, frame.length, wire, 1);
  }

  /** Runs the polls that are due up to a time; the clock stands there then. */
  runTo(atNs: number): void {
    const { clock } = this.rig;
    clock.horizonNs = atNs;
    for (;;) {
      const queues = [...this.made, ...this.rest].map(({ queue }) => queue);
      const next = queues.reduce((a, b) => (b.dueNs < a.dueNs ? b : a));
      if (next.dueNs > atNs || next.dueNs === Number.POSITIVE_INFINITY) break;
      clock.nowNs = next.dueNs;
      next.poll();
    }
    if (Number.isFinite(atNs)) clock.nowNs = Math.max(clock.nowNs, atNs);
  }

  /** Lets all that is due happen; answers what came up since the last call. */
  take(): Got[] {
    this.runTo(Number.POSITIVE_INFINITY);
    return this.up.splice(0);
  }

  /** The stack frees what it kept. */
  freeKept(count = this.kept.length): void {
    for (const skb of this.kept.splice(0, count)) this.slab.free(skb);
  }

  #add(netmemBytes: number, withProvider: boolean): QueueWithPools {
    const { pages } = this.rig;
    const provider = withProvider ? this.rig.provider : null;
    const made = this.netdev.addQueue({ pages, provider, netmemBytes });
    if (typeof made === "number") throw new Error(`addQueue: ${made}`);
    return made;
  }

  #restQueues(kind: Kind): ReceiveQueue[] {
    if (kind === "page") return this.made.map(({ queue }) => queue);
    if (this.rest.length === 0) this.rest.push(this.#add(4096, false));
    return this.rest.map(({ queue }) => queue);
  }

  #taken(skb: number, kind: number): void {
    const { skbs, frags } = this.slab;
    const at = skb * S.SK_WORDS;
    const pieces: Piece[] = [];
    const bytes: number[] = [];
    for (let f = skbs[at + S.SK_FRAG_HEAD]!; f >= 0; f = frags[f * S.FR_WORDS + S.FR_NEXT]!) {
      const netmem = frags[f * S.FR_WORDS + S.FR_NETMEM]!;
      const addr = frags[f * S.FR_WORDS + S.FR_ADDR]! >>> 0;
      const len = frags[f * S.FR_WORDS + S.FR_LEN]!;
      pieces.push({ netmem, offset: addr - this.rig.table.addressOf(netmem), len });
      bytes.push(...this.arena.bytes.subarray(addr, addr + len));
    }
    this.up.push({
      skb,
      kind,
      queue: skbs[at + S.SK_QUEUE]!,
      nowNs: this.rig.clock.nowNs,
      seq: skbs[at + S.SK_SEQ]!,
      len: skbs[at + S.SK_LEN]!,
      segs: skbs[at + S.SK_GSO_SEGS]!,
      flags: skbs[at + S.SK_FLAGS]!,
      head: skbs[at + S.SK_HEAD]!,
      truesize: skbs[at + S.SK_TRUESIZE]!,
      headTruesize: skbs[at + S.SK_HEAD_TRUESIZE]!,
      pieces,
      sha256: sha256(Uint8Array.from(bytes)),
    });
    if (this.frees) this.slab.free(skb);
    else this.kept.push(skb);
  }
}

/** A data frame over IPv4; every one of another flow unless a port is given, so GRO merges none. */
let nextPort = 1;
export function dataFrame(
  payload: Uint8Array,
  of: { sport?: number; seq?: number; flags?: number; options?: readonly number[] } = {},
): Uint8Array {
  const ends = { src: "10.0.0.1", dst: "10.0.0.2" };
  nextPort = (nextPort % 60000) + 1;
  const { sport = nextPort, seq = 1, flags = ACK, options = [] } = of;
  const segment = tcp({ ...ends, sport, dport: 80, seq, flags, options, payload });
  const big = 20 + segment.length > 65535;
  const datagram = ipv4({ ...ends, protocol: 6, payload: big ? segment.subarray(0, 1) : segment });
  return ethernet(datagram);
}
