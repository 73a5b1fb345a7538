import type { NativeBackend, NativeTotals } from "../../engine/backend/backend.js";
import { HistogramDelta } from "../../engine/probe/histogram-delta.js";
import { hostNowNs } from "../measure/timer.js";
import { jsonNumber } from "../record/json-number.js";
import { MAX_INTERVALS } from "../record/limits.js";
import type { RealIntervalRecord } from "../record/series-schema.js";
import { byOwner } from "./series-of.js";

const NEVER = Number.POSITIVE_INFINITY;

/**
 * A native run cut into intervals of equal length on the real clock, multiples of it from the first
 * packet on. A kernel is not told when an interval ends: whoever works looks here before each piece
 * of work, and the first look behind an interval's end cuts it.
 *
 *      work      | inject 64 | read | inject 64 | read |      wait      | inject 64 | read
 *      looks     *           *      *           *      *                *           *
 *      ends                     |                          |         |
 *      cut at                       *                                   *
 *
 * So a piece of work belongs to the interval in which it began. Intervals in which nothing happened
 * are left out.
 */
export class NativeIntervals {
  /** Those that the record holds. */
  readonly rows: RealIntervalRecord[] = [];
  /** How many there were. */
  count = 0;
  readonly #lengthNs: number;
  readonly #tell: (interval: RealIntervalRecord) => void;
  #backend: NativeBackend | null = null;
  #deliver: HistogramDelta | null = null;
  #last: NativeTotals | null = null;
  #originNs = 0;
  /** Start of the interval under way, since the origin. */
  #startNs = 0;
  #dueNs = NEVER;

  constructor(lengthNs: number, tell: (interval: RealIntervalRecord) => void) {
    this.#lengthNs = lengthNs;
    this.#tell = tell;
  }

  /** The first packet is next; called at the begin of every pass, and heard once. */
  begin(backend: NativeBackend): void {
    if (this.#backend !== null) return;
    this.#backend = backend;
    this.#last = backend.totals();
    this.#deliver = new HistogramDelta(this.#last.deliver);
    this.#originNs = hostNowNs();
    this.#dueNs = this.#originNs + this.#lengthNs;
  }

  /** Cuts the interval under way if it is over; one reading of the clock if it is not. */
  readonly look = (): void => {
    const now = hostNowNs();
    if (now >= this.#dueNs) this.#cut(now);
  };

  /** The run is over, and with it the interval under way. */
  end(): void {
    if (this.#backend !== null) this.#cut(hostNowNs());
    this.#dueNs = NEVER;
  }

  #cut(nowNs: number): void {
    const length = this.#lengthNs;
    const last = this.#last!;
    const now = this.#backend!.totals();
    const startNs = this.#startNs;
    this.#startNs = Math.floor((nowNs - this.#originNs) / length) * length;
    this.#dueNs = this.#originNs + this.#startNs + length;
    this.#last = now;
    const row: RealIntervalRecord = {
      startNs: jsonNumber(startNs),
      clock: "kernel",
      packets: now.packets - last.packets,
      bytes: now.bytes - last.bytes,
      deliveredBytes: now.deliveredBytes - last.deliveredBytes,
      drops: now.drops - last.drops,
      deliver: this.#deliver!.take(),
      owners: now.owners === null ? null : byOwner(now.owners),
    };
    if (now.packets + now.deliveredBytes + now.drops === sumOf(last)) return;
    this.count++;
    if (this.rows.length < MAX_INTERVALS) this.rows.push(row);
    this.#tell(row);
  }
}

function sumOf({ packets, deliveredBytes, drops }: NativeTotals): number {
  return packets + deliveredBytes + drops;
}
