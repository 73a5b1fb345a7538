import type { Outcome, ThresholdResult } from "../../replay/record/gate-schema.js";
import type { Unit } from "../metric/catalog.js";
import { changeText, figureText } from "../metric/figure.js";

type Row = Omit<ThresholdResult, "verdict" | "message" | "p">;

const RELATION = {
  "<": ["is below", "is not below"],
  "<=": ["is at most", "is above"],
  ">": ["is above", "is not above"],
  ">=": ["is at least", "is below"],
  "==": ["is", "is not"],
  "!=": ["is not", "is"],
} as const;

/** What a threshold came to, in one sentence without the names that stand beside it. */
export function sentence(row: Row, verdict: Outcome): string {
  const { operator, samples, deterministic, interval } = row;
  const unit = row.agg === "rate" ? "" : (row.unit as Unit);
  const [kept, broken] = RELATION[operator];
  // Figures that differ must be seen to differ.
  const alike = figureText(row.value, unit) === figureText(row.bound, unit);
  const textOf = (figure: number) =>
    alike && row.value !== row.bound ? `${figure} ${unit}`.trim() : figureText(figure, unit);
  const value = textOf(row.value);
  const bound = `${textOf(row.bound)}${baselinePart(row, unit)}`;
  if (deterministic) return `${value} ${verdict === "pass" ? kept : broken} ${bound}`;
  const over = `median of ${samples}${samples === 1 ? " repetition" : " repetitions"}`;
  const range =
    interval === null
      ? "too few for a 95 % interval"
      : `95 % ${figureText(interval[0], unit)} to ${figureText(interval[1], unit)}`;
  const noisy = `${value} (${over}, ${range})`;
  if (verdict === "inconclusive") return `${noisy} cannot be told from ${bound}`;
  return `${noisy} ${verdict === "pass" ? kept : broken} ${bound}`;
}

function baselinePart({ baseline, changePct }: Row, unit: Unit): string {
  if (baseline === null) return "";
  const change = changePct === null ? "" : `, ${changeText(changePct)}`;
  return ` (baseline ${figureText(baseline, unit)}${change})`;
}
