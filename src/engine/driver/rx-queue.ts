import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import { InvariantViolation } from "../ledger/invariant.js";
import type { Ledger } from "../ledger/ledger.js";
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
  SK_HEAD,
  SK_WORDS,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_TCP } from "../wire/frame.js";
import type { BufferRing } from "./buffer-ring.js";
import type { FbnicMem } from "./fbnic-maker.js";
import type { Gro, SkbReceiver } from "./gro.js";
import {
  C_ALLOC_FAILED,
  C_BYTES,
  C_CSUM_COMPLETE,
  C_DROPPED,
  C_HPQ_ALLOC_FAILED,
  C_PACKETS,
  C_PKT_BDQ_DROP,
  C_PKT_CQ_DROP,
  C_PPQ_ALLOC_FAILED,
  type InterruptModeration,
  type PackedProfile,
} from "./profile.js";
import { type Arrival, KIND_OVERFLOW, type ReceiveQueue } from "./receive-queue.js";

const OVERRUN = dropIndex("RX_HW_DROP_OVERRUNS");
const FRAG_OVERFLOW = dropIndex("RX_FRAG_OVERFLOW");
const ALLOC_FAIL = dropIndex("RX_ALLOC_FAIL");
const QUEUE_STOPPED = dropIndex("NETMEM_QUEUE_STOPPED");

/**
 * Words of a packet's completion: skb, header position, payload position, kind | tags << 3, the
 * position in the completion ring behind it (wraps), and bytes << 1 | checksum not validated.
 */
const CQ_WORDS = 6;
/** Entries that a packet takes at least: header and metadata. */
const MIN_ENTRIES = 2;

/** What the network layer takes besides TCP skbs that went through GRO. */
export interface NetworkLayer extends SkbReceiver {
  /** An skb that is no whole TCP segment; `kind` is a FRAME_ constant. */
  receiveOther(skb: number, kind: number): void;
}

/** How a queue moderates interrupts and polls: `--budget`, `--rx-usecs`, `--rx-frames`. */
export interface NapiPlan extends InterruptModeration {
  readonly budget: number;
  /** The source waits for the path, so that nothing arrives while nothing else is due. */
  readonly topspeed?: boolean;
}

/** The buffer rings of a queue; a restart brings new ones. */
export interface QueueRings {
  readonly headers: BufferRing;
  readonly payloads: BufferRing;
}

/** What a queue is built from. */
export interface RxQueueParts {
  readonly index: number;
  readonly profile: PackedProfile;
  readonly napi: NapiPlan;
  /** Entries of the completion ring, a power of two. */
  readonly completions: number;
  readonly rings: FbnicMem;
  readonly gro: Gro;
  readonly up: NetworkLayer;
  readonly slab: SkbSlab;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly drops: Counters;
  readonly counters: Counters;
}

/**
 * One receive queue: header ring, payload ring, completion ring, and the NAPI that polls them
 * (fbnic_clean_rcq, napi_poll).
 *
 *      NIC:   headers.hw, payloads.hw ->  [ skb | header pos | payload pos | kind ]  -> tail
 *      NAPI:  head ->  skb to GRO ... end of poll: drain passed netmems, refill, doorbell
 *
 * A completion is written in the shape of the skb that napi_build_skb will make of it, so that its
 * fields are stored once. Until the poll takes it, its references are the driver's.
 */
export class RxQueue implements ReceiveQueue {
  readonly index: number;
  headers: BufferRing;
  payloads: BufferRing;
  /** Model time of the next poll, Infinity while the interrupt is armed and nothing waits. */
  dueNs = Number.POSITIVE_INFINITY;
  /** The queue's CPU works until then. */
  busyUntilNs = 0;
  /** Polls run so far. */
  polls = 0;
  /** The pools and rings in use. */
  mem: FbnicMem;
  readonly #parts: RxQueueParts;
  readonly #cq: Int32Array;
  readonly #cqMask: number;
  #cqHead = 0;
  #cqTail = 0;
  /** Entries of the completion ring, and the positions of its two ends, which wrap. */
  readonly #entries: number;
  #entryHead = 0;
  #entryTail = 0;
  #silentNs = Number.NEGATIVE_INFINITY;

  /** Netmems of earlier rings that the hardware used up. */
  #usedPayloads = 0;
  #usedHeaders = 0;

  constructor(parts: RxQueueParts) {
    this.#parts = parts;
    this.index = parts.index;
    this.mem = parts.rings;
    this.headers = parts.rings.headers;
    this.payloads = parts.rings.payloads;
    this.#entries = parts.completions;
    this.#cq = new Int32Array((parts.completions / MIN_ENTRIES) * CQ_WORDS);
    this.#cqMask = parts.completions / MIN_ENTRIES - 1;
  }

  /** ndo_queue_start: takes rings into use and fills both in this queue's NAPI context. */
  start(mem: FbnicMem): void {
    this.mem = mem;
    this.headers = mem.headers;
    this.payloads = mem.payloads;
    const { cpu } = this.#parts;
    const { task } = cpu;
    cpu.task = TASK_DEVICE;
    cpu.napiQueue = this.index;
    this.#refill();
    cpu.napiQueue = -1;
    cpu.task = task;
  }

  get usedPayloads(): number {
    return this.#usedPayloads + this.payloads.cleaned;
  }

  get usedHeaders(): number {
    return this.#usedHeaders + this.headers.cleaned;
  }

  /** The hardware is off, its rings empty: frames before this model time wake nobody. */
  silence(untilNs: number): void {
    this.#silentNs = untilNs;
  }

  lookAfter(nowNs: number): void {
    if (this.#depleted && this.dueNs === Number.POSITIVE_INFINITY) this.dueNs = nowNs;
  }

  /** Free entries of the completion ring. */
  get cqRoom(): number {
    return this.#entries - ((this.#entryTail - this.#entryHead) | 0);
  }

  /** Whether half of the completions or three quarters of some ring's memory are used up. */
  get tight(): boolean {
    if (this.cqRoom * 2 < this.#entries) return true;
    const { headers, payloads } = this;
    const size = headers.mask + 1;
    return (headers.posted - headers.hw) * 4 < size || (payloads.posted - payloads.hw) * 4 < size;
  }

  /** Packets that wait for a poll. */
  get pending(): number {
    return this.#cqTail - this.#cqHead;
  }

  /** The NIC drops a frame for want of a descriptor; wakes the service task if it went to sleep. */
  overrun(arrival: Arrival): void {
    const { drops, counters } = this.#parts;
    if (arrival.skbShort) {
      // napi_build_skb failed: the driver's drop, not the hardware's.
      drops.values[ALLOC_FAIL]!++;
      counters.values[C_ALLOC_FAILED]!++;
      counters.values[C_DROPPED]!++;
      return;
    }
    drops.values[OVERRUN]!++;
    counters.values[arrival.cqShort ? C_PKT_CQ_DROP : C_PKT_BDQ_DROP]!++;
    if (arrival.arrivalNs < this.#silentNs) return;
    if (this.dueNs === Number.POSITIVE_INFINITY) this.dueNs = this.#nextService(arrival.arrivalNs);
  }

  /** A placed frame: its skb goes on the completion ring; arms or shortens the interrupt. */
  complete(skb: number, kindAndTags: number, bytes: number, arrival: Arrival): void {
    const { napi, costs } = this.#parts;
    const at = (this.#cqTail++ & this.#cqMask) * CQ_WORDS;
    const cq = this.#cq;
    cq[at] = skb;
    cq[at + 1] = this.headers.hw;
    cq[at + 2] = this.payloads.hw;
    cq[at + 3] = kindAndTags;
    this.#entryTail = (this.#entryTail + arrival.entries) | 0;
    cq[at + 4] = this.#entryTail;
    cq[at + 5] = (bytes << 1) | (arrival.csumComplete ? 1 : 0);
    const pending = this.#cqTail - this.#cqHead;
    if (pending === 1 || pending === napi.rxFrames) {
      const delayNs = pending === napi.rxFrames ? 0 : napi.rxUsecs * 1000;
      const fromNs = arrival.arrivalNs + delayNs;
      const dueNs = (fromNs > this.busyUntilNs ? fromNs : this.busyUntilNs) + costs.irqNs;
      if (dueNs < this.dueNs) this.dueNs = dueNs;
    }
  }

  /** One NAPI poll at clock.nowNs; answers how many packets it took. */
  poll(): number {
    const { cpu, clock, costs, napi, gro, slab } = this.#parts;
    const startNs = clock.nowNs;
    const perPacketNs = costs.packetNs + costs.groNs;
    const cq = this.#cq;
    const mask = this.#cqMask;
    const tail = this.#cqTail;
    const first = this.#cqHead;
    const end = tail - first > napi.budget ? first + napi.budget : tail;
    cpu.napiQueue = this.index;
    cpu.spentNs = costs.pollNs;
    this.polls++;
    let bytes = 0;
    let unchecked = 0;
    let dropped = 0;
    for (let i = first; i < end; i++) {
      const at = (i & mask) * CQ_WORDS;
      const skb = cq[at]!;
      const kind = cq[at + 3]!;
      cpu.spentNs += perPacketNs;
      bytes += cq[at + 5]! >>> 1;
      unchecked += cq[at + 5]! & 1;
      this.#own(skb, slab, startNs + cpu.spentNs);
      if ((kind & 7) === FRAME_TCP) gro.receive(skb, kind >> 3);
      else if ((kind & 7) === KIND_OVERFLOW) {
        this.#dropOverflow(skb, slab);
        dropped++;
        bytes -= cq[at + 5]! >>> 1;
        unchecked -= cq[at + 5]! & 1;
      } else this.#parts.up.receiveOther(skb, kind & 7);
    }
    const work = end - first;
    this.#cqHead = end;
    gro.flushAll(work === napi.budget);
    if (work > 0) {
      const last = ((end - 1) & mask) * CQ_WORDS;
      this.headers.clean(cq[last + 1]!);
      this.payloads.clean(cq[last + 2]!);
      this.#entryHead = cq[last + 4]!;
      const { values } = this.#parts.counters;
      values[C_PACKETS]! += work - dropped;
      values[C_BYTES]! += bytes;
      values[C_CSUM_COMPLETE]! += unchecked;
    }
    const posted = this.headers.posted + this.payloads.posted;
    this.#refill();
    const moved = work > 0 || this.headers.posted + this.payloads.posted > posted;
    this.busyUntilNs = startNs + cpu.spentNs;
    cpu.spentNs = 0;
    cpu.napiQueue = -1;
    if (end !== tail || work === napi.budget) this.dueNs = this.busyUntilNs;
    else this.dueNs = this.#isDry(moved) ? this.#nextService(startNs) : Number.POSITIVE_INFINITY;
    return work;
  }

  /**
   * fbnic_napi_depletion_check: fewer than four descriptors in use in a buffer ring, so that the
   * service task is to force an interrupt, drop or no drop. Once no more frames are to come it
   * sleeps; at top speed, where the source waits for it, after a look that changed nothing.
   */
  #isDry(moved: boolean): boolean {
    const { clock, napi } = this.#parts;
    if (!this.#depleted) return false;
    return clock.horizonNs < Number.POSITIVE_INFINITY && (moved || napi.topspeed !== true);
  }

  get #depleted(): boolean {
    const { dryBelow } = this.#parts.profile;
    return this.headers.descriptors < dryBelow || this.payloads.descriptors < dryBelow;
  }

  /** When the driver's service task runs next: each whole second of model time. */
  #nextService(nowNs: number): number {
    const { serviceNs } = this.#parts.profile;
    return (Math.floor(nowNs / serviceNs) + 1) * serviceNs;
  }

  /**
   * ndo_queue_stop: NAPI is off, what was completed but not polled is dropped, GRO is flushed and
   * every posted netmem goes back, before the caller destroys the pools. NAPI is off and direct
   * recycling with it: nothing goes to a pool's alloc cache.
   */
  stop(): void {
    const { gro, slab, drops } = this.#parts;
    while (this.#cqHead !== this.#cqTail) {
      const skb = this.#cq[(this.#cqHead++ & this.#cqMask) * CQ_WORDS]!;
      this.#own(skb, slab, this.#parts.clock.nowNs);
      slab.free(skb);
      drops.values[QUEUE_STOPPED]!++;
    }
    gro.flushAll(false);
    this.#usedHeaders += usedUp(this.headers);
    this.#usedPayloads += usedUp(this.payloads);
    this.headers.flush();
    this.payloads.flush();
    restart(this.headers);
    restart(this.payloads);
    this.#entryHead = this.#entryTail;
    this.dueNs = Number.POSITIVE_INFINITY;
  }

  /** Moves the queue's own times when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    this.dueNs -= deltaNs;
    this.#silentNs -= deltaNs;
    this.busyUntilNs -= deltaNs;
  }

  /** napi_build_skb: the completion's references become the skb's (T4); stamps the hand-up. */
  #own(skb: number, slab: SkbSlab, nowNs: number): void {
    const { ledger, stages } = this.#parts;
    const { skbs, frags, fragTimes } = slab;
    const head = skbs[skb * SK_WORDS + SK_HEAD]!;
    if (head < 0) throw new InvariantViolation(5, "a completion without a header buffer");
    ledger.driverToSkb(head);
    let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    while (frag >= 0) {
      ledger.driverToSkb(frags[frag * FR_WORDS + FR_NETMEM]!);
      const times = frag * FR_TIMES;
      fragTimes[times + FR_STAMP_NS] = nowNs;
      if (stages.on) stages.driver.record(nowNs - fragTimes[times + FR_ARRIVAL_NS]!, 1);
      frag = frags[frag * FR_WORDS + FR_NEXT]!;
    }
  }

  /** fbnic_clean_rcq on add_frag_failed: no packet, its buffers put back. */
  #dropOverflow(skb: number, slab: SkbSlab): void {
    this.#parts.drops.values[FRAG_OVERFLOW]!++;
    this.#parts.counters.values[C_DROPPED]!++;
    slab.free(skb);
  }

  #refill(): void {
    const { values } = this.#parts.counters;
    if (!this.headers.refill()) values[C_HPQ_ALLOC_FAILED]!++;
    if (!this.payloads.refill()) values[C_PPQ_ALLOC_FAILED]!++;
  }
}

/** A flushed ring begins at position 0 again, so that what it used up counts once. */
function restart(ring: BufferRing): void {
  ring.posted = 0;
  ring.hw = 0;
  ring.cleaned = 0;
}

/** Netmems of a ring that the hardware wrote into, the current one among them. */
function usedUp(ring: BufferRing): number {
  return ring.offset > 0 ? ring.hw + 1 : ring.hw;
}
