import type {
  Comparison,
  ComparisonRow,
  ComparisonVerdict,
} from "../../replay/record/comparison-schema.js";

export type {
  Comparison,
  ComparisonCell,
  ComparisonColumn,
  ComparisonRow,
  ComparisonVerdict,
} from "../../replay/record/comparison-schema.js";

/** A row's name as tables and exports write it: `latency.deliver{capture=a.pcap}: p(99)`. */
export function rowName({ metric, agg, tags }: Pick<ComparisonRow, "metric" | "agg" | "tags">) {
  const parts = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  const braces = parts.length === 0 ? "" : `{${parts.join(",")}}`;
  return `${metric}${braces}${agg === null ? "" : `: ${agg}`}`;
}

/** Verdicts from what a reader must see first to what can be skipped. */
export const VERDICT_ORDER: readonly ComparisonVerdict[] = [
  "regressed",
  "improved",
  "inconclusive",
  "different",
  "missing",
  "unchanged",
  "base",
];

/** The verdict of a row that weighs most. */
export function worstVerdict(row: Pick<ComparisonRow, "cells">): ComparisonVerdict {
  const ranks = row.cells.map((cell) => VERDICT_ORDER.indexOf(cell.verdict));
  return VERDICT_ORDER[Math.min(...ranks, VERDICT_ORDER.length - 1)]!;
}

/** How often each verdict stands in the cells, those of the base left out. */
export function countVerdicts(rows: readonly ComparisonRow[]): Comparison["counts"] {
  const counts = Object.fromEntries(VERDICT_ORDER.map((verdict) => [verdict, 0]));
  for (const { verdict } of rows.flatMap((row) => row.cells)) {
    if (verdict !== "base") counts[verdict]!++;
  }
  return counts as Comparison["counts"];
}
