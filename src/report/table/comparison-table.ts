import {
  type Comparison,
  type ComparisonCell,
  type ComparisonRow,
  rowName,
  worstVerdict,
} from "../compare/comparison.js";
import { shortPaths } from "../compare/short-captures.js";
import { changeText, figureText, ratioText } from "../metric/figure.js";
import { grid, widest } from "./grid.js";
import { counted } from "./numbers.js";
import type { Detail } from "./record-table.js";
import type { Style } from "./style.js";

/** Narrower than this, and a table is unreadable whatever one does. */
const LEAST_WIDTH = 60;
/** What a verdict looks like beside a figure; words so that it reads without colour. */
const MARK: Readonly<Record<ComparisonCell["verdict"], string>> = {
  base: "",
  improved: "better",
  regressed: "WORSE",
  different: "differs",
  unchanged: "same",
  inconclusive: "unclear",
  missing: "missing",
};

/**
 * A comparison as a table: what differs first, columns side by side as far as they fit `width`
 * characters and in further blocks beyond, each with the base. `*` marks the best of a row.
 */
export function comparisonTable(
  comparison: Comparison,
  detail: Detail,
  style: Style,
  width: number,
): string {
  const rows = comparison.rows.filter((row) => detail === "verbose" || isShown(row));
  const equal = comparison.rows.filter((row) => worstVerdict(row) === "unchanged").length;
  const hidden = comparison.rows.length - rows.length;
  const blocks = [
    detail === "quiet" ? "" : headLines(comparison, style),
    noteLines(comparison, style),
    ...(rows.length === 0 ? [] : tables(comparison, rows, style, { width, detail })),
    hidden === 0
      ? ""
      : style.dim(`${counted(equal, "row")} equal in all columns; --verbose shows all rows`),
    detail === "quiet" ? "" : footLines(comparison, style),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

/** Rows that are the same everywhere are news to nobody, but for host time. */
function isShown(row: ComparisonRow): boolean {
  if (row.clock === "host") return true;
  // The tails mostly say what p(99) says.
  if (row.agg === "p(99.9)" || row.agg === "max") return false;
  return worstVerdict(row) !== "unchanged";
}

function headLines({ captures, columns, base, mode, repetitions }: Comparison, style: Style) {
  const what = captures.length === 1 ? captures[0]!.path : counted(captures.length, "capture");
  const times = mode === "records" ? "" : `, ${counted(repetitions, "repetition")} each`;
  return [
    `${style.bold(what)}  ${columns.length} columns against ${columns[base]!.label}${times}`,
    ...(mode === "matrix"
      ? []
      : columns
          .filter(({ label, source }) => label !== source)
          .map(({ label, source }) => style.dim(`${label}: ${source}`))),
  ].join("\n");
}

function noteLines({ refused, rows, warnings }: Comparison, style: Style): string {
  const forced = rows.some((row) => row.label !== null);
  const what = forced ? "host metrics are of unlike runs" : "host metrics are not compared";
  return [
    ...refused.map((reason) => style.yellow(`! ${what}: ${reason}`)),
    ...warnings.map(({ message }) => style.yellow(`- ${message}`)),
  ].join("\n");
}

function tables(
  comparison: Comparison,
  rows: readonly ComparisonRow[],
  style: Style,
  face: { readonly width: number; readonly detail: Detail },
): string[] {
  const { columns, base } = comparison;
  const width = Math.max(face.width, LEAST_WIDTH);
  const others = columns.map((_, column) => column).filter((column) => column !== base);
  const blocks: string[] = [];
  let rest = columns.length === 1 ? [] : others;
  do {
    let shown = rest.length;
    let text = block(comparison, rows, [base, ...rest], style);
    while (shown > 1 && widest(text) > width) {
      shown--;
      text = block(comparison, rows, [base, ...rest.slice(0, shown)], style);
    }
    const news = (row: ComparisonRow) =>
      rest.slice(0, shown).some((column) => isNews(row, column, base));
    const told = rows.filter(news);
    const all = face.detail === "verbose" || columns.length === shown + 1;
    if (!all) text = block(comparison, told, [base, ...rest.slice(0, shown)], style);
    const names = rest.slice(0, shown).map((column) => columns[column]!.label);
    const alike = `${names.join(", ")}: equal to ${columns[base]!.label} in every row`;
    blocks.push(told.length === 0 && !all ? alike : text);
    rest = rest.slice(shown);
  } while (rest.length > 0);
  return blocks;
}

/** Beside the other columns a row may differ, and be no news of this one. */
function isNews({ clock, cells }: ComparisonRow, column: number, base: number): boolean {
  if (cells[column]!.value === null && cells[base]!.value === null) return false;
  return clock === "host" || cells[column]!.verdict !== "unchanged";
}

function block(
  comparison: Comparison,
  rows: readonly ComparisonRow[],
  shown: readonly number[],
  style: Style,
): string {
  const { columns, base } = comparison;
  const head = shown.flatMap((column) => {
    const label = style.bold(columns[column]!.label);
    return column === base ? [label] : [label, ""];
  });
  const short = shortPaths(comparison.captures.map(({ path }) => path));
  const body = rows.flatMap((row, i) => {
    const { capture, ...tags } = row.tags;
    const isNew = capture !== undefined && capture !== rows[i - 1]?.tags.capture;
    const heading = [style.bold(short.get(capture!) ?? capture!), ...head.map(() => "")];
    const name = `${capture === undefined ? "" : "  "}${rowName({ ...row, tags })}`;
    const cells = shown.flatMap((column) => {
      const cell = row.cells[column]!;
      const best = row.best.includes(column) ? style.green("*") : " ";
      const value = cell.value === null ? "-" : figureText(cell.value, row.unit);
      return column === base ? [`${value}${best}`] : [`${value}${best}`, change(row, cell, style)];
    });
    const line = [`${name}${row.label === null ? "" : " (forced)"}`, ...cells];
    return isNew ? [heading, line] : [line];
  });
  const alignments = shown.flatMap((column) =>
    column === base ? (["right"] as const) : (["right", "left"] as const),
  );
  return grid([["", ...head], ...body], ["left", ...alignments]);
}

/** How a cell stands to the base: a change, its interval where it has noise, and a word. */
function change(row: ComparisonRow, cell: ComparisonCell, style: Style): string {
  const { ratio, interval, verdict } = cell;
  const paint =
    verdict === "regressed" || verdict === "missing"
      ? style.red
      : verdict === "improved"
        ? style.green
        : verdict === "inconclusive"
          ? style.yellow
          : (text: string) => text;
  const by = verdict === "unchanged" && row.deterministic ? "" : ratio === null ? "" : size(ratio);
  const range =
    interval === null
      ? ""
      : ` (${changeText(100 * (interval[0] - 1))} to ${changeText(100 * (interval[1] - 1))})`;
  return paint(`${by}${range} ${MARK[verdict]}`.trim());
}

/** Small changes in percent, large ones as a factor. */
function size(ratio: number): string {
  return ratio > 0.5 && ratio < 2 ? changeText(100 * (ratio - 1)) : ratioText(ratio);
}

function footLines(comparison: Comparison, style: Style) {
  const { power, rows, minEffectPct } = comparison;
  const lines = meanLines(comparison);
  if (power !== null && power.noisePct !== null) {
    const noise = `host noise ${changeText(power.noisePct).slice(1)}`;
    const found =
      power.detectablePct === null
        ? "no change can be found"
        : `a change of ${changeText(power.detectablePct).slice(1)} is found in 8 of 10 runs`;
    lines.push(style.dim(`${noise}: ${found}`));
    lines.push(style.dim(`host time that moves less than ${minEffectPct} % counts as unchanged`));
  }
  if (rows.some((row) => row.best.length > 0)) {
    lines.push(style.dim("* best of the row; model metrics are exact and have no noise"));
  }
  return lines.join("\n");
}

/** Geometric means of the ratios over several captures; a line a metric that moved somewhere. */
function meanLines({ geomean, columns, base }: Comparison): string[] {
  const lines = geomean
    .filter(({ metric, agg }) => metric.startsWith("host.") || agg === "p(99)")
    .flatMap(({ metric, agg, ratios }) => {
      const others = ratios.flatMap((ratio, i) =>
        ratio === null || i === base ? [] : [`${columns[i]!.label} ${ratioText(ratio)}`],
      );
      if (others.every((text) => text.endsWith(" 1.00x"))) return [];
      return [`  ${rowName({ metric, agg, tags: {} })}: ${others.join(", ")}`];
    });
  const captures = Math.max(0, ...geomean.map((mean) => mean.captures));
  const head = `geometric mean over ${captures} captures, against ${columns[base]!.label}:`;
  return lines.length === 0 ? [] : [head, ...lines];
}
