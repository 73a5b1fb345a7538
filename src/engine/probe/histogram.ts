/**
 * A log-linear histogram of nanoseconds: exact below 128, then 128 buckets an octave, so that a
 * bucket is less than 0.8 % of its value wide. Recording is a few integer operations and one
 * increment; hdr-histogram-js gets the counts when the run is over.
 *
 *      value   0 ... 127 | 128 ... 255 | 256 ... 511 | ...
 *      width       1     |      1      |      2      | ...
 *      index   0 ... 127 | 128 ... 255 | 256 ... 383 | ...
 */
const SUB_BITS = 7;
const SUB = 1 << SUB_BITS;
/** 2^79 ns, 19 million years: ten times what two timestamps of a capture are apart at most. */
const OCTAVES = 72;
/** The last bucket's lowest value. */
const HIGHEST = (2 * SUB - 1) * 2 ** (OCTAVES - 1);

/** See the head of this file. */
export class LogLinearHistogram {
  readonly counts = new Float64Array((OCTAVES + 1) * SUB);
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  /** Negative latencies. */
  early = 0;

  /** Values recorded. */
  get total(): number {
    if (this.max < this.min) return 0;
    const last = LogLinearHistogram.bucketOf(this.max);
    let total = 0;
    for (let i = LogLinearHistogram.bucketOf(this.min); i <= last; i++) total += this.counts[i]!;
    return total;
  }

  /**
   * Counts `times` occurrences of `ns`, an integer. A negative latency, an effect before its cause,
   * is a defect of the model: it counts as 0 and in `early`, which a record warns of.
   */
  record(latencyNs: number, times: number): void {
    let ns = latencyNs;
    if (ns < 0) {
      this.early += times;
      ns = 0;
    }
    this.sum += ns * times;
    if (ns < this.min) this.min = ns;
    if (ns > this.max) this.max = ns;
    this.counts[ns < 4294967296 ? indexOf(ns, 0) : indexOfLarge(ns)]! += times;
  }

  /** The bucket that `ns` falls into, a whole number of at least 0. */
  static bucketOf(ns: number): number {
    return ns < 4294967296 ? indexOf(ns, 0) : indexOfLarge(ns);
  }

  /**
   * Counts once the time from `times[at]` to the clock's now. Takes no double as an argument, which
   * V8 would box wherever it does not inline the call.
   */
  recordSince(times: Float64Array, at: number, clock: { readonly nowNs: number }): void {
    this.record(clock.nowNs - times[at]!, 1);
  }

  /** Smallest value that falls into bucket `index`. */
  static lowestOf(index: number): number {
    if (index < 2 * SUB) return index;
    const octave = (index >>> SUB_BITS) - 1;
    return ((index & (SUB - 1)) + SUB) * 2 ** octave;
  }

  /** Largest whole value that falls into bucket `index`. */
  static highestOf(index: number): number {
    return LogLinearHistogram.lowestOf(index + 1) - 1;
  }
}

/**
 * The bucket of a value below 2^32, which was scaled down by `shifted` bits before. All of it is
 * bits of an int32: an unsigned number on either way would make the answer a double.
 */
function indexOf(ns: number, shifted: number): number {
  const bits = ns | 0;
  if (bits >>> SUB_BITS === 0) return bits;
  const zeros = Math.clz32(bits);
  const mantissa = (bits >>> (31 - SUB_BITS - zeros)) & (SUB - 1);
  return ((32 - SUB_BITS - zeros + shifted) << SUB_BITS) | mantissa;
}

/**
 * Values from 2^32 on are scaled down in steps of 2^16 first; rare, so a loop is fine. What is
 * beyond the last bucket falls into it.
 */
function indexOfLarge(ns: number): number {
  let value = ns < HIGHEST ? ns : HIGHEST;
  let shifted = 0;
  while (value >= 4294967296) {
    value /= 65536;
    shifted += 16;
  }
  return indexOf(Math.floor(value), shifted);
}
