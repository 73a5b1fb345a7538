import type { Comparison, ComparisonRow } from "../../replay/record/comparison-schema.js";
import type { GateReport, ThresholdResult } from "../../replay/record/gate-schema.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { worstVerdict } from "../compare/comparison.js";
import { shortRowNames } from "../compare/short-captures.js";
import { kernelText } from "../table/machine-text.js";
import { counted, grouped, humanBytes, humanTime } from "../table/numbers.js";
import { problemsOf } from "../table/problems.js";
import { runName } from "../table/run-name.js";
import { sectionsOf } from "../table/run-rows.js";
import { code, fenced, folded, mdTable, plain } from "./md-text.js";
import { shortSeries } from "./short-series.js";
import type { Subject } from "./subject.js";
import { changeText, valueText } from "./value-text.js";

/** A part of a report that can stand alone. */
export interface MdSection {
  /** The higher, the more a reader must see it first. */
  readonly weight: number;
  readonly text: string;
}

const BAD = 1000;
/** Rows of one table that stand open; the rest is folded. */
const OPEN_ROWS = 40;

const MARK: Readonly<Record<string, string>> = {
  pass: ":white_check_mark:",
  fail: ":x:",
  inconclusive: ":grey_question:",
  regressed: ":x:",
  missing: ":grey_exclamation:",
  different: ":small_orange_diamond:",
  improved: ":white_check_mark:",
  unchanged: "",
  base: "",
};

/** All sections, the worst first. */
export function mdSections(subject: Subject): MdSection[] {
  const sections = [
    ...subject.gates.map(gateSection),
    ...subject.comparisons.map(comparisonSection),
    ...failedSections(subject),
    ...subject.records.map((record) => recordSection(record, subject.records.length > 1)),
  ];
  return sections
    .map((section, order) => ({ section, order }))
    .sort((a, b) => b.section.weight - a.section.weight || a.order - b.order)
    .map(({ section }) => section);
}

function gateSection(gate: GateReport): MdSection {
  const { outcome, counts, thresholds, baseline, subject, aborted } = gate;
  const against = baseline === null ? "" : `, against baseline ${code(baseline.name)}`;
  const sums = [
    [counts.fail, "failed"],
    [counts.inconclusive, "inconclusive"],
    [counts.pass, "passed"],
  ].flatMap(([count, word]) => (Number(count) > 0 ? [`${count} ${word}`] : []));
  const nameOf = shortSeries(thresholds);
  const rows = thresholds.map((each) => thresholdRow(each, nameOf(each)));
  const head = ["", "threshold", "value", "bound", "baseline", "change"];
  const notes = [
    ...thresholds
      .filter(({ verdict }) => verdict !== "pass")
      .map((each) => `- ${MARK[each.verdict]} ${code(nameOf(each))}: ${plain(each.message)}`),
    ...(aborted === null
      ? []
      : [`- ended after ${aborted.afterRepetitions} of ${aborted.of} repetitions`]),
    ...gate.warnings.map(({ message }) => `- ${plain(message)}`),
  ];
  const open = rows.slice(0, OPEN_ROWS);
  const rest = rows.slice(OPEN_ROWS);
  return {
    weight: outcome === "fail" ? 4 * BAD : outcome === "inconclusive" ? 2 * BAD : BAD,
    text: blocks([
      `### ${MARK[outcome]} netmem gate: ${outcome}`,
      `${plain(subject.source)}${against}: ${sums.join(", ")}.`,
      mdTable(head, open, 2),
      rest.length === 0 ? "" : folded(`${rest.length} more thresholds`, mdTable(head, rest, 2)),
      notes.join("\n"),
      reproduce(subject.reproduce),
    ]),
  };
}

function thresholdRow(each: ThresholdResult, name: string): string[] {
  const ratio = each.baseline === null || each.changePct === null ? null : 1 + each.changePct / 100;
  return [
    MARK[each.verdict]!,
    code(name),
    valueText(each.value, each.unit),
    `${plain(each.operator)} ${valueText(each.bound, each.unit)}`,
    valueText(each.baseline, each.unit),
    changeText(ratio),
  ];
}

function comparisonSection(comparison: Comparison): MdSection {
  const { rows, columns, counts, refused, warnings } = comparison;
  const told = rows.filter((row) => worstVerdict(row) !== "unchanged");
  const same = rows.filter((row) => worstVerdict(row) === "unchanged");
  const sums = Object.entries(counts).filter(([, count]) => count > 0);
  const notes = [...refused, ...warnings.map(({ message }) => message)];
  const worse = counts.regressed ?? 0;
  return {
    weight: worse > 0 ? 3 * BAD : BAD,
    text: blocks([
      `### netmem compare: ${columns.map(({ label }) => plain(label)).join(" | ")}`,
      `${sums.map(([verdict, count]) => `${count} ${verdict}`).join(", ") || "nothing compared"}.`,
      told.length === 0 ? "No metric differs." : comparisonTable(comparison, told),
      same.length === 0
        ? ""
        : folded(`${counted(same.length, "metric")} unchanged`, comparisonTable(comparison, same)),
      notes.map((note) => `- ${plain(note)}`).join("\n"),
      reproduce(columns.map(({ source }) => source)),
    ]),
  };
}

function comparisonTable(comparison: Comparison, rows: readonly ComparisonRow[]): string {
  const { columns } = comparison;
  const nameOf = shortRowNames(comparison);
  const body = rows.map((row) => [
    code(nameOf(row)),
    ...row.cells.map((cell, i) => {
      const text = valueText(cell.value, row.unit);
      const best = row.best.includes(i) ? `**${text}**` : text;
      if (cell.verdict === "base" || cell.verdict === "unchanged") return best;
      const change = cell.ratio === null ? "" : ` (${changeText(cell.ratio)})`;
      return `${best}${change} ${MARK[cell.verdict]}`.trimEnd();
    }),
  ]);
  return mdTable(["metric", ...columns.map(({ label }) => plain(label))], body);
}

function failedSections({ failed }: Subject): MdSection[] {
  if (failed.length === 0) return [];
  const rows = failed.map(({ path, code: name, message }) => [code(path), plain(message), name]);
  const text = blocks([
    "### :x: captures that gave no record",
    mdTable(["capture", "why", "code"], rows, 3),
  ]);
  return [{ weight: 4 * BAD, text }];
}

function recordSection(record: NetmemRecord, several: boolean): MdSection {
  const { capture, runs } = record;
  const problems = problemsOf(record);
  const bad = problems.filter(({ weight }) => weight === "bad");
  const sections = sectionsOf(runs, false);
  const rows = sections.flatMap(({ title, head = "", rows: body }) => [
    [`**${title}**`, ...runs.map(() => head.trim().replace(/ +/g, " "))],
    ...body.map(([label, ...cells]) => [plain(label!), ...cells.map((text) => plain(text.trim()))]),
  ]);
  const table = mdTable(["", ...runs.map((run) => plain(runName(run)))], rows);
  const summary =
    `${counted(capture.packets, "packet")}, ${humanBytes(capture.bytes)} over ` +
    `${humanTime(capture.durationNs)}, ${plain(kernelText(record))}`;
  return {
    weight: bad.length > 0 ? 3 * BAD + bad.length : problems.length,
    text: blocks([
      `### ${bad.length > 0 ? ":x: " : ""}${plain(capture.path)}`,
      summary,
      problems
        .map(({ weight, text }) => `- ${weight === "bad" ? ":x: " : ""}${plain(text)}`)
        .join("\n"),
      several ? folded(`${grouped(runs.length)} runs`, table) : table,
      reproduce([record.reproduce]),
    ]),
  };
}

function reproduce(lines: readonly string[]): string {
  return lines.length === 0 ? "" : folded("reproduce", fenced(lines.join("\n")));
}

function blocks(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}
