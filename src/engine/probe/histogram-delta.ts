import { LogLinearHistogram } from "./histogram.js";

/** What was recorded in an interval: values are the highest of their bucket, ns. */
export interface LatencyDelta {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** What was added to a histogram since the last look at it. */
export class HistogramDelta {
  readonly #histogram: LogLinearHistogram;
  /** Counts at the last look; while one is taken, what was added since. */
  readonly #before: Float64Array;

  constructor(histogram: LogLinearHistogram) {
    this.#histogram = histogram;
    this.#before = new Float64Array(histogram.counts.length);
  }

  /** Looks: what is there now counts as seen. */
  take(): LatencyDelta {
    const { counts, max } = this.#histogram;
    const before = this.#before;
    let count = 0;
    for (let i = 0; i < counts.length; i++) {
      before[i] = counts[i]! - before[i]!;
      count += before[i]!;
    }
    const p50 = Math.min(rank(before, count, 0.5), max);
    const p99 = Math.min(rank(before, count, 0.99), max);
    before.set(counts);
    return { count, p50, p99 };
  }
}

/** Largest value of the bucket that `share` of all values are in or below; 0 without values. */
function rank(counts: Float64Array, total: number, share: number): number {
  let left = Math.ceil(share * total);
  if (left === 0) return 0;
  for (let i = 0; i < counts.length; i++) {
    left -= counts[i]!;
    if (left <= 0) return LogLinearHistogram.highestOf(i);
  }
  return 0;
}
