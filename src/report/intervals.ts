import type { RunRecord } from "../replay/record/schema.js";
import type { AnyInterval } from "../replay/record/series-schema.js";

/**
 * The intervals of a run, by the clock that it has: a run on the model's clock has them beside its
 * figures, one on a real clock with what the host measured. A run has one clock, so never both.
 */
export function intervalsOf({ intervals, host }: RunRecord): readonly AnyInterval[] {
  return intervals ?? host?.intervals ?? [];
}

/** The clock of an interval; older records do not say that it is the model's. */
export function clockOf(interval: AnyInterval): "model" | "kernel" {
  return interval.clock ?? "model";
}
