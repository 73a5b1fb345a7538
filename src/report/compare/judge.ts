import { hodgesLehmann } from "../stats/hodges-lehmann.js";
import { holm } from "../stats/holm.js";
import { median } from "../stats/summary.js";
import {
  ALPHA,
  compareSamples,
  type NoisyVerdict,
  noisyVerdict,
  type SampleComparison,
} from "../stats/verdict.js";
import type { ComparisonInput } from "./build-comparison.js";
import type { ComparisonCell, ComparisonRow, ComparisonVerdict } from "./comparison.js";
import { type DraftRow, headOf, isExact, MISSING_CELL, testedColumns } from "./draft-row.js";

type Better = ComparisonRow["better"];

/** A noisy cell held against the base, before Holm has seen all of them. */
interface Test {
  readonly row: number;
  readonly column: number;
  readonly found: SampleComparison;
}

/** Gives every cell its verdict: deterministic ones by equality, noisy ones by Holm over all. */
export function judge(drafts: readonly DraftRow[], input: ComparisonInput): ComparisonRow[] {
  const { base, seed, minEffect } = input;
  const tests: Test[] = drafts.flatMap((draft, row) => {
    const before = draft.samples[base]!;
    return testedColumns(draft, base).map((column) => ({
      row,
      column,
      found: compareSamples(before, draft.samples[column]!, seed),
    }));
  });
  const adjusted = holm(tests.map(({ found }) => found.p));
  return drafts.map((draft, row) => ({
    ...headOf(draft),
    cells: draft.samples.map((samples, column): ComparisonCell => {
      if (samples.length === 0) return { ...MISSING_CELL, verdict: "missing" };
      const plain = { ...MISSING_CELL, value: median(samples), samples: [...samples] };
      if (column === base) return { ...plain, ratio: 1, verdict: "base" };
      const at = tests.findIndex((test) => test.row === row && test.column === column);
      if (at < 0 && draft.noisy[base] === draft.noisy[column]) {
        return exactCell(draft, plain, draft.samples[base]![0]);
      }
      if (at < 0) return unlikeCell(draft, plain, draft.samples[base]!);
      const { found } = tests[at]!;
      const noisy = noisyVerdict(found, adjusted[at]!, minEffect);
      return {
        ...plain,
        ratio: found.ratio,
        interval: found.interval === null ? null : [...found.interval],
        bootstrap: found.bootstrap === null ? null : [...found.bootstrap],
        shift: found.shift,
        p: found.p,
        pAdjusted: adjusted[at]!,
        verdict: directed(noisy, draft.metric.better),
      };
    }),
    best: bestOf(draft, minEffect),
    label: null,
  }));
}

function exactCell(
  draft: DraftRow,
  cell: Omit<ComparisonCell, "verdict">,
  before: number | undefined,
): ComparisonCell {
  const { value } = cell;
  if (before === undefined) return { ...cell, verdict: "missing" };
  const ratio = before === 0 ? null : value! / before;
  const shift = value! - before;
  const noisy = shift === 0 ? "unchanged" : shift > 0 ? "higher" : "lower";
  return { ...cell, ratio, shift, verdict: directed(noisy, draft.metric.better) };
}

/**
 * A model's figure beside a kernel's. Their times are of unlike clocks, and neither is better; what
 * was counted is the same or not where the kernel counts the same each time.
 */
function unlikeCell(
  draft: DraftRow,
  cell: Omit<ComparisonCell, "verdict">,
  base: readonly number[],
): ComparisonCell {
  if (base.length === 0) return { ...cell, verdict: "missing" };
  const steady = [base, cell.samples].every((side) => side.every((value) => value === side[0]));
  const found = exactCell(draft, cell, median(base));
  if (steady && draft.metric.kind !== "latency") return found;
  if (found.verdict === "unchanged") return found;
  return {
    ...found,
    verdict: steady || draft.metric.kind === "latency" ? "different" : "inconclusive",
  };
}

/** Higher and lower as better and worse, by the metric's rule. */
function directed(verdict: NoisyVerdict, better: Better): ComparisonVerdict {
  if (verdict === "unchanged" || verdict === "inconclusive") return verdict;
  if (better === "neither") return "different";
  return verdict === better ? "improved" : "regressed";
}

/**
 * The columns that are best: of deterministic metrics those with the best value, of noisy ones the
 * best median and those whose interval to it does not leave the least effect behind. None where
 * neither direction is better, or where all are alike.
 */
function bestOf(draft: DraftRow, minEffect: number): number[] {
  const { metric, samples, noisy } = draft;
  if (metric.better === "neither") return [];
  // Times of unlike clocks are no match.
  const unlike = samples.some((side, i) => side.length > 0 && !noisy[i]) && noisy.includes(true);
  if (unlike && metric.kind === "latency") return [];
  const present = samples.flatMap((side, column) => (side.length > 0 ? [column] : []));
  const middles = new Map(present.map((column) => [column, median(samples[column]!)]));
  const sorted = [...present].sort((a, b) => middles.get(a)! - middles.get(b)!);
  const leader = metric.better === "lower" ? sorted[0] : sorted.at(-1);
  if (leader === undefined) return [];
  const alike = present.filter((column) => {
    if (column === leader || middles.get(column) === middles.get(leader)) return true;
    if (isExact(draft)) return false;
    const { interval } = hodgesLehmann(samples[column]!, samples[leader]!, "ratio", 1 - ALPHA);
    if (interval === null) return true;
    return metric.better === "lower" ? interval[0] <= 1 + minEffect : interval[1] >= 1 - minEffect;
  });
  return alike.length === present.length ? [] : alike;
}
