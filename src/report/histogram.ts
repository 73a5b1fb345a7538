// Not the package's own entry, which loads four times as much.
import { decompress } from "hdr-histogram-js/dist/JsHistogram.encoding.js";
import { JsHistogram } from "hdr-histogram-js/dist/JsHistogram.js";
import { toDouble } from "../replay/record/json-number.js";
import type { Latency } from "../replay/record/schema.js";

/** A record's histogram as hdr-histogram-js has it, counts of 64 bits. */
export type DecodedHistogram = JsHistogram;

/** Takes a latency's histogram out of the record. */
export function decodeHistogram(latency: Latency): DecodedHistogram {
  return JsHistogram.decode(decompress(Buffer.from(latency.hdr, "base64")), 64, 0);
}

/** The values that the given percentiles of a latency's values are at or below, ns. */
export function valuesAt(latency: Latency, percentiles: readonly number[]): number[] {
  if (toDouble(latency.count) === 0) return percentiles.map(() => 0);
  const histogram = decodeHistogram(latency);
  const min = toDouble(latency.min);
  const max = toDouble(latency.max);
  return percentiles.map((percentile) => {
    if (percentile >= 100) return max;
    return Math.min(Math.max(histogram.getValueAtPercentile(percentile), min), max);
  });
}
