import { type Aggregation, aggregationText } from "../metric/aggregate.js";
import type { MetricSpec } from "../metric/catalog.js";
import type { ComparisonCell, ComparisonRow } from "./comparison.js";

/** A row before it is judged, with the series behind each of its cells. */
export interface DraftRow {
  readonly metric: MetricSpec;
  readonly aggregation: Aggregation;
  readonly tags: Readonly<Record<string, string>>;
  readonly deterministic: boolean;
  readonly clock: ComparisonRow["clock"];
  /** One list a column; empty where the column has no samples. */
  readonly samples: ReadonlyArray<readonly number[]>;
}

/** The row's fields that the document has beside its cells. */
export function headOf({ metric, aggregation, tags, deterministic, clock }: DraftRow) {
  return {
    metric: metric.name,
    agg: metric.kind === "latency" ? aggregationText(aggregation) : null,
    tags: { ...tags },
    unit: metric.unit,
    clock,
    deterministic,
    better: metric.better,
  };
}

/** A cell without samples. */
export const MISSING_CELL: Omit<ComparisonCell, "verdict"> = {
  value: null,
  samples: [],
  ratio: null,
  interval: null,
  bootstrap: null,
  shift: null,
  p: null,
  pAdjusted: null,
};
