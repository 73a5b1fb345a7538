import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Arena } from "../memory/arena.js";
import { type CpuContext, TASK_DEVICE } from "../netmem/netmem-return.js";
import type { Counters } from "../probe/counters.js";
import { dropIndex } from "../probe/drop-reasons.js";
import type { StageProbe } from "../probe/stages.js";
import {
  FR_ARRIVAL_NS,
  FR_NETMEM,
  FR_NEXT,
  FR_STAMP_NS,
  FR_TIMES,
  FR_WORDS,
  SK_FRAG_HEAD,
  SK_GSO_SEGS,
  SK_HEAD,
  SK_WORDS,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_TCP, type Frame } from "../wire/frame.js";
import type { Gro } from "./gro.js";
import type { QueueMem } from "./queue-maker.js";
import type { ReceiveQueue } from "./receive-queue.js";
import type { NapiPlan, NetworkLayer } from "./rx-queue.js";
import { REFUSED_LENGTH, REFUSED_ROOM, REFUSED_SKB, type SlotPlacement } from "./slot-placement.js";
import type { SlotRing } from "./slot-ring.js";

/** Words of a completion. */
const CQ_WORDS = 8;
const CQ_SKB = 0;
/** kind | tags << 3. */
const CQ_KIND = 1;
const CQ_BYTES = 2;
/** Payload buffers that it took. */
const CQ_SLOTS = 3;
/** The head buffer that it took, and where in its netmem that begins. */
const CQ_HEAD = 4;
const CQ_HEAD_OFFSET = 5;
/** A payload buffer that holds no payload, -1 for none. */
const CQ_SPARE = 6;
/** CQF_ bits, and bytes of the split header << 4. */
const CQ_FLAGS = 7;
/** The NIC found its checksum wrong; it was not split. */
export const CQF_BAD_CSUM = 1;
export const CQF_UNSPLIT = 2;

const RX_HW_DROP_OVERRUNS = dropIndex("RX_HW_DROP_OVERRUNS");
const RX_ALLOC_FAIL = dropIndex("RX_ALLOC_FAIL");
const RX_LENGTH_ERROR = dropIndex("RX_LENGTH_ERROR");
const NETMEM_QUEUE_STOPPED = dropIndex("NETMEM_QUEUE_STOPPED");

/** What became of a completion: handed up, dropped as packet work, dropped without. */
export const UP = 0;
export const DROPPED = 1;
export const UNCOUNTED = 2;

/** Pools and rings of a slot queue; heads are null where a driver has no head buffers. */
export interface SlotMem extends QueueMem {
  readonly heads: SlotRing | null;
  readonly payloads: SlotRing;
}

/** What a slot queue is built from. */
export interface SlotQueueParts {
  readonly index: number;
  readonly napi: NapiPlan;
  /** Completions that wait at most, a power of two. */
  readonly completions: number;
  readonly rings: SlotMem;
  readonly gro: Gro;
  readonly up: NetworkLayer;
  readonly slab: SkbSlab;
  readonly arena: Arena;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly drops: Counters;
  readonly counters: Counters;
  /** The NIC splits headers from payload. */
  readonly tcpDataSplit: boolean;
  /** Whether a netmem is a net_iov. */
  readonly isNetIov: (netmem: number) => boolean;
}

/** A completion as the driver takes it off the ring. */
export interface Completion {
  skb: number;
  kind: number;
  bytes: number;
  slots: number;
  head: number;
  headOffset: number;
  spare: number;
  flags: number;
}

/**
 * One receive queue whose packets take whole buffers: completion ring, interrupt moderation and
 * NAPI poll. What a driver does with a completion and with its rings is {@link accept} and
 * {@link replenish}.
 *
 *      NIC:   heads.take, payloads.take ->  [ skb | kind | bytes | slots | head | spare ] -> tail
 *      NAPI:  head ->  accept: own, replace or drop -> GRO ... end of poll: replenish, doorbell
 */
export abstract class SlotQueue implements ReceiveQueue {
  readonly index: number;
  mem: SlotMem;
  heads: SlotRing | null;
  payloads: SlotRing;
  dueNs = Number.POSITIVE_INFINITY;
  busyUntilNs = 0;
  polls = 0;
  /** The NIC drops what arrives before. */
  silentUntilNs = Number.NEGATIVE_INFINITY;
  /** Of the frame being placed: buffers, head buffer, spare buffer, header bytes, unsplit. */
  slots = 0;
  head = -1;
  headOffset = 0;
  spare = -1;
  headerBytes = 0;
  unsplit = false;
  protected readonly parts: SlotQueueParts;
  #cq: Int32Array;
  #mask: number;
  readonly #now: Completion;
  #head = 0;
  #tail = 0;
  /** The interrupt's timer runs. */
  #armed = false;
  #usedPayloads = 0;
  #usedHeaders = 0;

  constructor(parts: SlotQueueParts) {
    this.parts = parts;
    this.index = parts.index;
    this.mem = parts.rings;
    this.heads = parts.rings.heads;
    this.payloads = parts.rings.payloads;
    this.#cq = new Int32Array(parts.completions * CQ_WORDS);
    this.#mask = parts.completions - 1;
    this.#now = {
      skb: -1,
      kind: 0,
      bytes: 0,
      slots: 0,
      head: -1,
      headOffset: 0,
      spare: -1,
      flags: 0,
    };
  }

  /** Takes a completion whose references are still the driver's: UP, DROPPED or UNCOUNTED. */
  protected abstract accept(of: Completion, nowNs: number): number;
  /** After the packets of a poll: counts, refills; answers when to poll again without packets. */
  protected abstract replenish(work: number, bytes: number, startNs: number): number;
  /** Counts a frame that found no room, and one for which there was no skb or that was too long. */
  protected abstract countOverrun(): void;
  protected abstract countNoSkb(): void;
  protected abstract countTooLong(): void;
  /** Hardware aggregation: places a segment in an open aggregation; its skb, or -1. */
  aggregate(_frame: Frame, _placement: SlotPlacement): number {
    return -1;
  }
  /** Hardware aggregation: whether it keeps the packet just placed, so that it is no completion. */
  protected holds(_skb: number, _kindAndTags: number, _bytes: number): boolean {
    return false;
  }
  /** Hardware aggregation: completes all that is open. */
  protected closeAggregations(): void {}

  get pending(): number {
    return this.#tail - this.#head;
  }

  get tight(): boolean {
    if (this.pending * 2 > this.#mask) return true;
    return this.payloads.room * 4 < this.payloads.capacity;
  }

  get usedPayloads(): number {
    return this.#usedPayloads + this.payloads.hw;
  }

  get usedHeaders(): number {
    return this.#usedHeaders + (this.heads?.hw ?? 0);
  }

  start(mem: SlotMem): void {
    const { cpu } = this.parts;
    const { task } = cpu;
    cpu.task = TASK_DEVICE;
    this.mem = mem;
    this.heads = mem.heads;
    this.payloads = mem.payloads;
    // Every buffer may be in a completion, and a stopped queue has none: ethtool -G sizes both.
    if (mem.payloads.size * CQ_WORDS !== this.#cq.length) {
      this.#cq = new Int32Array(mem.payloads.size * CQ_WORDS);
      this.#mask = mem.payloads.size - 1;
    }
    cpu.napiQueue = this.index;
    this.dueNs = this.replenish(0, 0, this.parts.clock.nowNs);
    cpu.napiQueue = -1;
    cpu.spentNs = 0;
    cpu.task = task;
  }

  lookAfter(_nowNs: number): void {}

  silence(untilNs: number): void {
    this.silentUntilNs = untilNs;
  }

  /** Whether a frame that takes so many payload buffers finds room. */
  hasRoom(slots: number): boolean {
    if (this.heads !== null && this.heads.room < 1) return false;
    return this.payloads.room >= slots && this.pending <= this.#mask;
  }

  /** A frame is going to be placed: takes its head buffer. */
  begin(slots: number): void {
    this.slots = slots;
    this.spare = -1;
    this.unsplit = false;
    this.headerBytes = 0;
    if (this.heads === null) return;
    this.heads.take();
    this.head = this.heads.netmem;
    this.headOffset = this.heads.offset;
  }

  overrun(arrival: SlotPlacement): void {
    const { values } = this.parts.drops;
    if (arrival.refusal === REFUSED_SKB) {
      values[RX_ALLOC_FAIL]!++;
      this.countNoSkb();
    } else if (arrival.refusal === REFUSED_LENGTH) {
      values[RX_LENGTH_ERROR]!++;
      this.countTooLong();
    } else {
      values[RX_HW_DROP_OVERRUNS]!++;
      this.countOverrun();
    }
    arrival.refusal = REFUSED_ROOM;
  }

  complete(skb: number, kindAndTags: number, bytes: number, arrival: SlotPlacement): void {
    const flags = (arrival.csumComplete ? CQF_BAD_CSUM : 0) | (this.unsplit ? CQF_UNSPLIT : 0);
    const kept = this.holds(skb, kindAndTags, bytes);
    if (!kept) this.push(skb, kindAndTags, bytes, flags);
    const { napi, costs } = this.parts;
    const full = napi.rxFrames > 0 && this.pending >= napi.rxFrames;
    if (this.#armed && !full) return;
    this.#armed = true;
    const delayNs = full ? 0 : napi.rxUsecs * 1000;
    const fromNs = arrival.arrivalNs + delayNs;
    const dueNs = (fromNs > this.busyUntilNs ? fromNs : this.busyUntilNs) + costs.irqNs;
    if (dueNs < this.dueNs) this.dueNs = dueNs;
  }

  poll(): number {
    const { cpu, clock, costs, napi, gro } = this.parts;
    const startNs = clock.nowNs;
    const perPacketNs = costs.packetNs + costs.groNs;
    const of = this.#now;
    cpu.napiQueue = this.index;
    cpu.spentNs = costs.pollNs;
    this.polls++;
    this.#armed = false;
    this.closeAggregations();
    let work = 0;
    let taken = 0;
    let bytes = 0;
    while (this.#head !== this.#tail && work < napi.budget) {
      this.#load(of);
      taken++;
      cpu.spentNs += perPacketNs;
      const fate = this.accept(of, startNs + cpu.spentNs);
      if (fate === UNCOUNTED) continue;
      work++;
      bytes += of.bytes;
      if (fate === UP) this.#handUp(of);
    }
    gro.flushAll(work === napi.budget);
    const againNs = this.replenish(work, bytes, startNs);
    this.busyUntilNs = startNs + cpu.spentNs;
    cpu.spentNs = 0;
    cpu.napiQueue = -1;
    const more = this.#head !== this.#tail || work === napi.budget;
    this.dueNs = more ? this.busyUntilNs : againNs;
    return taken;
  }

  stop(): void {
    const { gro, slab, clock, drops } = this.parts;
    const of = this.#now;
    this.closeAggregations();
    // With its interrupt the timer goes; a queue that is started again arms it anew.
    this.#armed = false;
    while (this.#head !== this.#tail) {
      this.#load(of);
      drops.values[NETMEM_QUEUE_STOPPED]! += slab.skbs[of.skb * SK_WORDS + SK_GSO_SEGS]!;
      this.own(of.skb, clock.nowNs);
      // Freed with the skb that is built around it; one that was copied is the driver's still.
      const built = slab.skbs[of.skb * SK_WORDS + SK_HEAD]! >= 0;
      slab.free(of.skb);
      if (of.spare >= 0) this.payloads.putBack(of.spare);
      if (this.heads !== null && !built) this.heads.putBack(of.head);
    }
    gro.flushAll(false);
    this.#usedPayloads += this.payloads.hw;
    this.payloads.flush();
    if (this.heads !== null) {
      this.#usedHeaders += this.heads.hw;
      this.heads.flush();
    }
    this.dueNs = Number.POSITIVE_INFINITY;
  }

  rebase(deltaNs: number): void {
    this.dueNs -= deltaNs;
    this.busyUntilNs -= deltaNs;
    this.silentUntilNs -= deltaNs;
  }

  /** Writes a completion for the frame just placed. */
  protected push(skb: number, kindAndTags: number, bytes: number, flags: number): void {
    const at = (this.#tail++ & this.#mask) * CQ_WORDS;
    const cq = this.#cq;
    cq[at + CQ_SKB] = skb;
    cq[at + CQ_KIND] = kindAndTags;
    cq[at + CQ_BYTES] = bytes;
    cq[at + CQ_SLOTS] = this.slots;
    cq[at + CQ_HEAD] = this.head;
    cq[at + CQ_HEAD_OFFSET] = this.headOffset;
    cq[at + CQ_SPARE] = this.spare;
    cq[at + CQ_FLAGS] = flags | (this.headerBytes << 4);
  }

  /** napi_build_skb: the completion's references become the skb's (T4); stamps the hand-up. */
  protected own(skb: number, nowNs: number): void {
    const { ledger, stages, slab } = this.parts;
    const { skbs, frags, fragTimes } = slab;
    const head = skbs[skb * SK_WORDS + SK_HEAD]!;
    if (head >= 0) ledger.driverToSkb(head);
    let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    while (frag >= 0) {
      const netmem = frags[frag * FR_WORDS + FR_NETMEM]!;
      if (netmem === head) ledger.skbGet(netmem);
      else ledger.driverToSkb(netmem);
      const times = frag * FR_TIMES;
      fragTimes[times + FR_STAMP_NS] = nowNs;
      if (stages.on) stages.driver.record(nowNs - fragTimes[times + FR_ARRIVAL_NS]!, 1);
      frag = frags[frag * FR_WORDS + FR_NEXT]!;
    }
  }

  #load(of: Completion): void {
    const cq = this.#cq;
    const at = (this.#head++ & this.#mask) * CQ_WORDS;
    of.skb = cq[at + CQ_SKB]!;
    of.kind = cq[at + CQ_KIND]!;
    of.bytes = cq[at + CQ_BYTES]!;
    of.slots = cq[at + CQ_SLOTS]!;
    of.head = cq[at + CQ_HEAD]!;
    of.headOffset = cq[at + CQ_HEAD_OFFSET]!;
    of.spare = cq[at + CQ_SPARE]!;
    of.flags = cq[at + CQ_FLAGS]!;
  }

  /** What the hardware aggregated does not go through GRO's merging again. */
  #handUp(of: Completion): void {
    const { gro, up, slab } = this.parts;
    if ((of.kind & 7) !== FRAME_TCP) up.receiveOther(of.skb, of.kind & 7);
    else if (slab.skbs[of.skb * SK_WORDS + SK_GSO_SEGS]! > 1) gro.pass(of.skb, of.kind >> 3);
    else gro.receive(of.skb, of.kind >> 3);
  }
}
