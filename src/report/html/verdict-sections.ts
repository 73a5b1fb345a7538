import type { Comparison } from "../../replay/record/comparison-schema.js";
import type { GateReport } from "../../replay/record/gate-schema.js";
import { worstVerdict } from "../compare/comparison.js";
import { shortRowNames } from "../compare/short-captures.js";
import { shortSeries } from "../export/short-series.js";
import { changeText, valueText } from "../export/value-text.js";
import { folded, type Markup, section, table, text } from "./markup.js";

/** A gate: its outcome, and each threshold with value, bound and baseline. */
export function gateSection(gate: GateReport, id: string): Markup {
  const { outcome, counts, thresholds, baseline, subject, warnings } = gate;
  const style = outcome === "pass" ? "good" : outcome === "fail" ? "bad" : "open";
  const nameOf = shortSeries(thresholds);
  const rows = thresholds.map((each) => [
    nameOf(each),
    each.verdict,
    valueText(each.value, each.unit),
    `${each.operator} ${valueText(each.bound, each.unit)}`,
    valueText(each.baseline, each.unit),
    changeText(each.changePct === null ? null : 1 + each.changePct / 100),
  ]);
  const said = thresholds
    .filter(({ verdict }) => verdict !== "pass")
    .map((each) => `${nameOf(each)}: ${each.message}`);
  const against = baseline === null ? "" : `, against baseline ${baseline.name}`;
  const sums = `${counts.fail} failed, ${counts.inconclusive} inconclusive, ${counts.pass} passed`;
  return section(
    id,
    `Gate: ${subject.source}`,
    `<div class="verdict ${style}"><strong>${outcome}</strong> ${text(sums + against)}</div>` +
      notes([...said, ...warnings.map(({ message }) => message)]) +
      table("thresholds", ["", "verdict", "value", "bound", "baseline", "change"], rows) +
      lines(subject.reproduce),
    2,
  );
}

/** A comparison: one row a metric, those that differ first, the others folded. */
export function comparisonSection(comparison: Comparison, id: string): Markup {
  const { rows, columns, refused, warnings, counts } = comparison;
  const head = ["", "verdict", ...columns.map(({ label }) => label)];
  const nameOf = shortRowNames(comparison);
  const cells = (each: Comparison["rows"][number]) => [
    nameOf(each),
    worstVerdict(each),
    ...each.cells.map((cell, i) => {
      const best = each.best.includes(i) ? " *" : "";
      const value = `${valueText(cell.value, each.unit)}${best}`;
      return cell.verdict === "base" || cell.ratio === null || cell.ratio === 1
        ? value
        : `${value} (${changeText(cell.ratio)})`;
    }),
  ];
  const told = rows.filter((row) => worstVerdict(row) !== "unchanged");
  const same = rows.filter((row) => worstVerdict(row) === "unchanged");
  const sums = Object.entries(counts).flatMap(([name, n]) => (n > 0 ? [`${n} ${name}`] : []));
  const style = (counts.regressed ?? 0) > 0 ? "bad" : told.length > 0 ? "open" : "good";
  const said = text(sums.join(", ") || "nothing compared");
  return section(
    id,
    `Comparison: ${columns.map(({ label }) => label).join(" | ")}`,
    `<div class="verdict ${style}"><strong>${said}</strong></div>` +
      notes([...refused, ...warnings.map(({ message }) => message)]) +
      (told.length === 0
        ? "<p>No metric differs.</p>"
        : table("metrics that differ; * best of the row", head, told.map(cells))) +
      (same.length === 0
        ? ""
        : folded(`${same.length} unchanged`, table("metrics unchanged", head, same.map(cells)))) +
      lines(columns.map(({ source }) => source)),
    2,
  );
}

function notes(said: readonly string[]): Markup {
  if (said.length === 0) return "";
  return `<ul class="notes">${said.map((line) => `<li>${text(line)}</li>`).join("")}</ul>`;
}

function lines(commands: readonly string[]): Markup {
  return commands
    .map((line) => `<div class="reproduce"><code>${text(line)}</code></div>`)
    .join("\n");
}
