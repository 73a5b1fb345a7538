import { toDouble } from "../../replay/record/json-number.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { RunRecord } from "../../replay/record/schema.js";
import type { MetricSpec } from "./catalog.js";
import { percentileNs } from "./percentile.js";

/** How a metric's values become one: k6's words. `percentile` is set for p(x) alone. */
export interface Aggregation {
  readonly name: "count" | "rate" | "value" | "min" | "max" | "avg" | "med" | "p";
  readonly percentile?: number;
}

/** `p(99.9)`, or the word itself. */
export function aggregationText({ name, percentile }: Aggregation): string {
  return name === "p" ? `p(${percentile})` : name;
}

/** What a metric is aggregated by when nothing is said; null where one must be named. */
export function defaultAggregation({ kind, host }: MetricSpec): Aggregation | null {
  if (kind === "latency") return null;
  if (kind === "counter") return { name: "count" };
  return { name: host ? "med" : "value" };
}

/** Aggregations that a metric takes. A run has one host time: its repetitions have a median. */
export function aggregationsOf({ kind, host }: MetricSpec): readonly Aggregation["name"][] {
  if (kind === "latency") return ["count", "min", "max", "avg", "med", "p"];
  if (kind === "counter") return ["count", "value", "rate"];
  return host ? ["med", "value"] : ["value"];
}

/**
 * One figure of one run.
 *
 * @returns in the metric's unit; `rate` is a share of the packets replayed. Null: no samples.
 * @throws NetmemError NETMEM_USAGE for an aggregation that the metric does not take.
 */
export function aggregate(
  metric: MetricSpec,
  aggregation: Aggregation,
  run: RunRecord,
  owner?: string,
): number | null {
  requireAggregation(metric, aggregation, "aggregate");
  if (metric.latency !== undefined) {
    const latency = metric.latency(run);
    const empty = toDouble(latency.count) === 0;
    if (aggregation.name === "count") return toDouble(latency.count);
    if (empty) return null;
    if (aggregation.name === "avg") return latency.mean;
    if (aggregation.name === "min" || aggregation.name === "max") {
      return toDouble(latency[aggregation.name]);
    }
    return percentileNs(latency, aggregation.name === "med" ? 50 : aggregation.percentile!);
  }
  const value = metric.value(run, owner);
  if (aggregation.name !== "rate" || value === null) return value;
  const packets = toDouble(run.packets);
  return packets === 0 ? null : value / packets;
}

/**
 * @param where says where the aggregation was written.
 * @throws NetmemError NETMEM_USAGE for an aggregation that the metric does not take.
 */
export function requireAggregation(
  metric: MetricSpec,
  aggregation: Aggregation,
  where: string,
): void {
  const taken = aggregationsOf(metric);
  if (taken.includes(aggregation.name)) return;
  const words = taken.map((name) => (name === "p" ? "p(99)" : name)).join(", ");
  const why = metric.host ? " over the repetitions" : "";
  throw new NetmemError(
    "NETMEM_USAGE",
    `${where}: ${metric.name} takes no ${aggregationText(aggregation)}${why}`,
    `Write one of: ${words}.`,
  );
}
