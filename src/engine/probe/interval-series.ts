import type { LogLinearHistogram } from "./histogram.js";
import { HistogramDelta, type LatencyDelta } from "./histogram-delta.js";
import { countOwners, OWNER_COLUMNS, type OwnerSource } from "./owner-series.js";

const NEVER = Number.POSITIVE_INFINITY;

/** Running totals of a receive path, of which an interval is the difference of two. */
export interface Totals {
  readonly packets: number;
  readonly bytes: number;
  readonly deliveredBytes: number;
  readonly drops: number;
}

/** What happened in one interval of model time. */
export interface Interval extends Totals {
  /** Since the start of the run. */
  readonly startNs: number;
  /** Latency from arrival to read of what was read in the interval. */
  readonly deliver: LatencyDelta;
  /** Netmems by owner at the interval's end, in the order of OWNERS. */
  readonly owners: readonly number[];
}

/**
 * A run cut into intervals of equal length, multiples of it from the start of the run on. The end
 * of an interval is an event like any other, so an arrival belongs to the interval of its time.
 * While nothing is to happen no interval is cut; intervals in which nothing happened are left out.
 */
export class IntervalSeries {
  /** Model time of the end of the interval under way; Infinity while nothing is to happen. */
  dueNs = NEVER;
  readonly lengthNs: number;
  readonly #source: OwnerSource;
  readonly #deliver: HistogramDelta;
  /** Start of an interval: of the one under way, or of the last one. */
  #startNs = 0;
  #epochNs = 0;
  #total: Totals = { packets: 0, bytes: 0, deliveredBytes: 0, drops: 0 };
  #rows: Interval[] = [];

  constructor(lengthNs: number, source: OwnerSource, deliver: LogLinearHistogram) {
    this.lengthNs = lengthNs;
    this.#source = source;
    this.#deliver = new HistogramDelta(deliver);
  }

  /**
   * Something is to happen at `atNs`: the interval that it lies in is under way. One that was left
   * open ends first.
   */
  wake(atNs: number, total: Totals): void {
    const { lengthNs } = this;
    const startNs = this.#startNs + Math.floor((atNs - this.#startNs) / lengthNs) * lengthNs;
    if (startNs > this.#startNs) this.cut(total);
    this.#startNs = startNs;
    this.dueNs = startNs + lengthNs;
  }

  /** Nothing is to happen: the interval stays open, but does not have to end. */
  sleep(): void {
    this.dueNs = NEVER;
  }

  /** The interval under way ends; the next one begins. */
  cut(total: Totals): void {
    const last = this.#total;
    const row = {
      startNs: this.#epochNs + this.#startNs,
      packets: total.packets - last.packets,
      bytes: total.bytes - last.bytes,
      deliveredBytes: total.deliveredBytes - last.deliveredBytes,
      drops: total.drops - last.drops,
    };
    this.#total = total;
    this.#startNs += this.lengthNs;
    this.dueNs = this.#startNs + this.lengthNs;
    if (row.packets + row.deliveredBytes + row.drops === 0) return;
    const owners = new Int32Array(OWNER_COLUMNS);
    countOwners(this.#source, owners, 0);
    this.#rows.push({ ...row, deliver: this.#deliver.take(), owners: Array.from(owners) });
  }

  /** Nothing happens before `atNs`: the interval that it lies in is under way. */
  skipTo(atNs: number): void {
    this.#startNs += Math.floor((atNs - this.#startNs) / this.lengthNs) * this.lengthNs;
    this.dueNs = this.#startNs + this.lengthNs;
  }

  /** The intervals that ended since the last call. */
  take(): Interval[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  /** Called when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    this.dueNs -= deltaNs;
    this.#startNs -= deltaNs;
    this.#epochNs += deltaNs;
  }
}
