import type { GateReport, Outcome, ThresholdResult } from "../../replay/record/gate-schema.js";

export type { GateReport, Outcome, ThresholdResult } from "../../replay/record/gate-schema.js";

/** Outcomes from the worst to the best. */
export const OUTCOME_ORDER: readonly Outcome[] = ["fail", "inconclusive", "pass"];

/** What thresholds came to together: one failure fails all, and nothing at all is no pass. */
export function outcomeOf(thresholds: readonly ThresholdResult[]): Outcome {
  const found = OUTCOME_ORDER.find((outcome) => thresholds.some((t) => t.verdict === outcome));
  return found ?? "inconclusive";
}

/** How many thresholds came to each outcome. */
export function countOutcomes(thresholds: readonly ThresholdResult[]): GateReport["counts"] {
  const count = (outcome: Outcome) => thresholds.filter((t) => t.verdict === outcome).length;
  return { pass: count("pass"), fail: count("fail"), inconclusive: count("inconclusive") };
}

/** The series of a threshold as reports write it: `latency.deliver{provider=zcrx}: p(99)`. */
export function seriesName({ metric, agg, tags }: ThresholdResult): string {
  const parts = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  const braces = parts.length === 0 ? "" : `{${parts.join(",")}}`;
  return `${metric}${braces}: ${agg}`;
}
