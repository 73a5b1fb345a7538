import { toDouble } from "../../replay/record/json-number.js";
import type { Latency } from "../../replay/record/schema.js";
import { valuesAt } from "../histogram.js";

/** Percentiles that a latency states itself. */
const STATED = { 50: "p50", 90: "p90", 99: "p99", 99.9: "p999" } as const;

/**
 * The value that `percentile` percent of a latency's values are at or below, from its histogram
 * where the record does not state it.
 *
 * @returns nanoseconds; null where there are no values.
 */
export function percentileNs(latency: Latency, percentile: number): number | null {
  if (toDouble(latency.count) === 0) return null;
  const stated = STATED[percentile as keyof typeof STATED];
  if (stated !== undefined) return toDouble(latency[stated]);
  if (percentile <= 0) return toDouble(latency.min);
  if (percentile >= 100) return toDouble(latency.max);
  return valuesAt(latency, [percentile])[0]!;
}
