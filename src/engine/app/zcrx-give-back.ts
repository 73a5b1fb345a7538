import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import type { StageProbe } from "../probe/stages.js";
import type { ZcrxIfq } from "../provider/zcrx.js";
import type { ZcrxArea } from "../provider/zcrx-area.js";
import { HOLD_WORDS, type HoldRing } from "./hold-ring.js";
import type { ReaderThreads } from "./reader-threads.js";

/** What the give-back needs of the consumer. */
export interface ZcrxGiveBackDeps {
  readonly clock: VirtualClock;
  readonly costs: Costs;
  readonly stages: StageProbe;
  /** The instance of each receive queue with a provider. */
  readonly ifqs: readonly ZcrxIfq[];
}

/**
 * How an application gives niovs back: one refill entry for each completion, in the order of
 * reading, `batch` entries a tail update; a full ring is flushed (ZCRX_CTRL_FLUSH_RQ).
 *
 *      held   [oldest][..][youngest]  ->  refill ring of the instance that owns the niov
 */
export class ZcrxGiveBack {
  /** The instance of each thread. */
  readonly own: ZcrxIfq[];
  /** Entries written, and flushes of full rings. */
  rqes = 0;
  flushes = 0;
  readonly #deps: ZcrxGiveBackDeps;
  readonly #threads: ReaderThreads;

  constructor(threads: number, deps: ZcrxGiveBackDeps, times: ReaderThreads) {
    const { ifqs } = deps;
    this.#deps = deps;
    this.#threads = times;
    this.own = Array.from({ length: threads }, (_, thread) => ifqs[thread % ifqs.length]!);
  }

  /** Another process starts, with the instances that there are now. */
  start(): void {
    const { ifqs } = this.#deps;
    for (let t = 0; t < this.own.length; t++) this.own[t] = ifqs[t % ifqs.length]!;
  }

  /** Gives back, `batch` completions at a time, what has been held for the hold time. */
  due(thread: number, held: HoldRing, batch: number): void {
    const { nowNs } = this.#deps.clock;
    do {
      this.#post(thread, held, batch);
      held.settle();
    } while (held.dueNs <= nowNs);
    this.own[thread]!.ring.publish();
  }

  /** Gives the oldest `count` completions back, then publishes them at once. */
  give(thread: number, held: HoldRing, count: number): void {
    this.#post(thread, held, count);
    this.own[thread]!.ring.publish();
    held.settle();
  }

  /** Writes one RQE for each of the oldest `count` completions. */
  #post(thread: number, held: HoldRing, count: number): void {
    const { clock, costs, stages } = this.#deps;
    const own = this.own[thread]!;
    const { first, count: niovs } = own.area;
    const nowNs = clock.nowNs;
    for (let k = 0; k < count; k++) {
      const slot = held.shift();
      const netmem = held.words[slot * HOLD_WORDS]!;
      const len = held.words[slot * HOLD_WORDS + 1]!;
      if ((netmem - first) >>> 0 < niovs) this.#write(own, own.area, 0, netmem, len);
      else this.#postElsewhere(own, netmem, len);
      if (stages.on) {
        // Only giveBackAll can come before the read's own time is over.
        const readNs = held.readNs[slot]!;
        stages.hold.record(readNs < nowNs ? nowNs - readNs : 0, 1);
      }
    }
    this.#threads.spentNs += costs.cqeNs * count;
    this.rqes += count;
  }

  /** A niov of an area that was added later, or of another queue's instance. */
  #postElsewhere(own: ZcrxIfq, netmem: number, len: number): void {
    const ifq = this.ownerOf(netmem)!;
    const id = ifq.areas.list.findIndex((area) => area.owns(netmem));
    this.#write(ifq, ifq.areas.list[id]!, id, netmem, len);
    if (ifq !== own) ifq.ring.publish();
  }

  /** Writes one refill entry; a full ring is flushed first. */
  #write(ifq: ZcrxIfq, area: ZcrxArea, id: number, netmem: number, len: number): void {
    const { clock } = this.#deps;
    const shift = area.niovShift;
    const index = netmem - area.first;
    const low = (index << shift) >>> 0;
    const high = (index >>> (32 - shift)) | (id << 16);
    const { ring } = ifq;
    let entry = ring.post(low, high, len);
    if (entry < 0) {
      ring.publish();
      this.flush(ifq);
      entry = ring.post(low, high, len);
      if (entry < 0) throw new Error("refill ring full after flush");
    }
    ring.postedNs[entry] = clock.nowNs;
  }

  /** ZCRX_CTRL_FLUSH_RQ of an instance. */
  flush(ifq: ZcrxIfq): void {
    ifq.flushRq();
    this.flushes++;
    this.#threads.spentNs += this.#deps.costs.syscallNs;
  }

  /** The instance that owns a niov, null if there is none. */
  ownerOf(netmem: number): ZcrxIfq | null {
    return this.#deps.ifqs.find((ifq) => ifq.areas.of(netmem) !== null) ?? null;
  }
}
