import { inflateSync } from "node:zlib";
// Gives histograms their encoder; the package's own entry loads four times as much at start-up.
import encoding from "hdr-histogram-js/dist/JsHistogram.encoding.js";
import { JsHistogram } from "hdr-histogram-js/dist/JsHistogram.js";
import { constructorFromBucketSize } from "hdr-histogram-js/dist/JsHistogramFactory.js";
import { jsonNumber } from "../record/json-number.js";
import type { Latency } from "../record/schema.js";
import { storedZlib } from "./stored-zlib.js";

/** What the engine's log-linear histogram holds: counts by bucket, values ascending with index. */
export interface LogLinearCounts {
  readonly counts: Float64Array;
  readonly total: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

/** Bounds of the engine's buckets: the class that made the counts. */
export interface BucketBounds {
  highestOf(index: number): number;
  bucketOf(ns: number): number;
}

// What deflate emits depends on the zlib that Node was built with and on the CPU; a record must
// not. The package looks its compressor up here at each call.
(encoding as { deflate: (data: Uint8Array) => Uint8Array }).deflate = storedZlib;

/** Three significant digits: a bucket is at most 0.1 % of its value wide. */
const DIGITS = 3;
/** The largest value that hdr-histogram-js tracks exactly. */
const HIGHEST = Number.MAX_SAFE_INTEGER;
/** Counts as Float64: no count of packets overflows them. */
const Histogram = constructorFromBucketSize(64);

/**
 * Turns an engine histogram into the record's form, nanoseconds of the given clock. Each bucket
 * counts with its highest value, as HdrHistogram itself reports, kept within min and max. Values
 * beyond 2^53 ns (104 days) are in `hdr` at its top; `min`, `max` and the percentiles stay right.
 */
export function toLatency(
  clock: Latency["clock"],
  source: LogLinearCounts,
  bounds: BucketBounds,
): Latency {
  const values = bucketValues(source, bounds);
  // The engine adds its buckets up each time it is asked.
  const { total } = source;
  const histogram = emptyHistogram();
  for (const [value, times] of values) {
    histogram.recordValueWithCount(Math.min(value, HIGHEST), times);
  }
  const at = (percentile: number) => {
    if (total === 0) return 0;
    const place = (percentile / 100) * total;
    if (source.max >= HIGHEST) return jsonNumber(valueAtRank(values, Math.ceil(place)));
    // The rank as HdrHistogram has it: a product that is off by its last digit does not count.
    const ranked = valueAtRank(values, Math.max(Math.ceil(place - ulp(place)), 1));
    const value = histogram.highestEquivalentValue(ranked);
    return jsonNumber(Math.min(Math.max(value, source.min), source.max));
  };
  return {
    clock,
    unit: "ns",
    count: jsonNumber(total),
    min: total === 0 ? 0 : jsonNumber(source.min),
    mean: total === 0 ? 0 : source.sum / total,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: jsonNumber(source.max),
    hdr: histogram.encodeIntoCompressedBase64(),
  };
}

/**
 * Latencies of several runs as one: counts of equal buckets add up, nothing is lost. The answer
 * depends on what is added, not on the order, but for the mean's last digits.
 */
export function addLatencies(parts: readonly Latency[]): Latency {
  const histogram = emptyHistogram();
  const filled = parts.filter(({ count }) => Number(count) > 0);
  for (const { hdr: encoded } of filled) {
    histogram.add(decoded(encoded));
  }
  const [first] = parts;
  const total = filled.reduce((sum, { count }) => sum + BigInt(count), 0n);
  const ends = (of: "min" | "max") => filled.map((latency) => BigInt(latency[of]));
  const min = ends("min").reduce((a, b) => (b < a ? b : a), ends("min")[0] ?? 0n);
  const max = ends("max").reduce((a, b) => (b > a ? b : a), 0n);
  const at = (percentile: number) => {
    if (total === 0n) return 0;
    const value = BigInt(histogram.getValueAtPercentile(percentile));
    return jsonNumber(value < min ? min : value > max ? max : value);
  };
  const sum = filled.reduce((all, { mean, count }) => all + mean * Number(count), 0);
  return {
    clock: first?.clock ?? "model",
    unit: "ns",
    count: jsonNumber(total),
    min: jsonNumber(min),
    mean: total === 0n ? 0 : sum / Number(total),
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: jsonNumber(max),
    hdr: histogram.encodeIntoCompressedBase64(),
  };
}

/** The histogram of a record's `hdr`. */
function decoded(base64: string): JsHistogram {
  const bytes = Buffer.from(base64, "base64");
  const body = inflateSync(bytes.subarray(8, 8 + bytes.readUInt32BE(4)));
  return JsHistogram.decode(body, 64);
}

function emptyHistogram() {
  const histogram = new Histogram(1, 2, DIGITS);
  histogram.autoResize = true;
  return histogram;
}

function bucketValues(
  source: LogLinearCounts,
  bounds: BucketBounds,
): Array<[value: number, times: number]> {
  const values: Array<[number, number]> = [];
  if (source.max < source.min) return values;
  const last = bounds.bucketOf(source.max);
  for (let index = bounds.bucketOf(source.min); index <= last; index++) {
    const times = source.counts[index]!;
    if (times === 0) continue;
    values.push([Math.min(Math.max(bounds.highestOf(index), source.min), source.max), times]);
  }
  return values;
}

/** The last digit of a double. */
function ulp(of: number): number {
  return 2 ** (Math.floor(Math.log2(of)) - 52);
}

/** Smallest value that `count` of all are at or below. */
function valueAtRank(values: ReadonlyArray<readonly [number, number]>, count: number): number {
  let left = count;
  for (const [value, times] of values) {
    left -= times;
    if (left <= 0) return value;
  }
  return values.at(-1)?.[0] ?? 0;
}
