import { type Aggregation, aggregationText } from "../metric/aggregate.js";
import type { MetricSpec } from "../metric/catalog.js";
import type { ComparisonCell, ComparisonRow } from "./comparison.js";

/** A row before it is judged, with the series behind each of its cells. */
export interface DraftRow {
  readonly metric: MetricSpec;
  readonly aggregation: Aggregation;
  readonly tags: Readonly<Record<string, string>>;
  /** By column: its figure is another one each time; false where there is none. */
  readonly noisy: readonly boolean[];
  readonly clock: ComparisonRow["clock"];
  /** One list a column; empty where the column has no samples. */
  readonly samples: ReadonlyArray<readonly number[]>;
}

/** Whether every figure of a row is the same each time. */
export function isExact({ noisy }: DraftRow): boolean {
  return !noisy.includes(true);
}

/** Columns of which a test can tell how they stand to the base: both sides have noise. */
export function testedColumns({ noisy }: DraftRow, base: number): number[] {
  if (noisy[base] !== true) return [];
  return noisy.flatMap((own, column) => (own && column !== base ? [column] : []));
}

/** The row's fields that the document has beside its cells. */
export function headOf(draft: DraftRow) {
  const { metric, aggregation, tags, clock } = draft;
  return {
    metric: metric.name,
    agg: metric.kind === "latency" ? aggregationText(aggregation) : null,
    tags: { ...tags },
    unit: metric.unit,
    clock,
    deterministic: isExact(draft),
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
