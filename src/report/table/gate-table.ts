import { type GateReport, OUTCOME_ORDER, type ThresholdResult } from "../gate/gate-report.js";
import { counted } from "./numbers.js";
import type { Detail } from "./record-table.js";
import type { Style } from "./style.js";

/** Warnings that stand above the thresholds: the run itself went wrong. */
const GRAVE = ["leak", "payload-mismatch"];
/** Series of one threshold that are shown when they have the same to say. */
const SHOWN = 5;

/**
 * A gate as lines: the outcome, then the thresholds, the worst first; what passed in one line
 * each. `quiet` leaves what passed out.
 */
export function gateTable(report: GateReport, detail: Detail, style: Style): string {
  const shown =
    detail === "quiet"
      ? report.thresholds.filter(({ verdict }) => verdict !== "pass")
      : report.thresholds;
  const lines = OUTCOME_ORDER.flatMap((verdict) =>
    byExpression(shown.filter((row) => row.verdict === verdict)).map((group) =>
      groupLines(group, detail, style),
    ),
  );
  const grave = graveLines(report, style);
  if (detail === "quiet" && report.outcome === "pass" && grave === "") return "";
  const blocks = [
    headLine(report, style),
    grave,
    lines.flat().join("\n"),
    detail === "quiet" ? "" : footLines(report, style),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function headLine({ outcome, counts, subject, aborted }: GateReport, style: Style): string {
  const all = counts.pass + counts.fail + counts.inconclusive;
  const parts = [
    counts.fail > 0 ? `${counts.fail} failed` : "",
    counts.inconclusive > 0 ? `${counts.inconclusive} inconclusive` : "",
    `${counts.pass} of ${all} passed`,
  ].filter((part) => part !== "");
  const paint = outcome === "pass" ? style.green : outcome === "fail" ? style.red : style.yellow;
  const early =
    aborted === null
      ? ""
      : `\n${style.yellow(
          `ended after ${aborted.afterRepetitions} of ${counted(aborted.of, "replay")}: ` +
            aborted.expression,
        )}`;
  const word = paint(outcome.toUpperCase());
  return `${word}  ${style.bold(subject.source)}  ${parts.join(", ")}${early}`;
}

/** What makes the exit code 7 whatever the thresholds say. */
function graveLines({ warnings }: GateReport, style: Style): string {
  return warnings
    .filter(({ code }) => GRAVE.includes(code))
    .map(({ message }) => style.red(`! ${message}`))
    .join("\n");
}

function footLines({ baseline, subject }: GateReport, style: Style): string {
  const against = baseline === null ? "" : `, baseline ${baseline.name} (${baseline.source})`;
  const [first, ...more] = subject.reproduce;
  const line = first === undefined ? "" : `\n${first}`;
  const others = more.length === 0 ? "" : `\nand ${counted(more.length, "line")} more`;
  return style.dim(`${counted(subject.repetitions, "repetition")}${against}${line}${others}`);
}

function byExpression(rows: readonly ThresholdResult[]): ThresholdResult[][] {
  const groups = new Map<string, ThresholdResult[]>();
  for (const row of rows) {
    const known = groups.get(row.expression);
    if (known === undefined) groups.set(row.expression, [row]);
    else known.push(row);
  }
  return [...groups.values()];
}

function groupLines(group: readonly ThresholdResult[], detail: Detail, style: Style): string[] {
  const { verdict, expression } = group[0]!;
  const paint = verdict === "pass" ? style.green : verdict === "fail" ? style.red : style.yellow;
  const word = paint((verdict === "inconclusive" ? "unsure" : verdict).padEnd(6));
  if (verdict === "pass" && detail !== "verbose") {
    const times = group.length === 1 ? "" : style.dim(`  (${group.length} series)`);
    return [`${word}  ${expression}${times}`];
  }
  const limit = detail === "verbose" ? group.length : SHOWN;
  const hidden = group.length - limit;
  return [
    `${word}  ${expression}`,
    ...group.slice(0, limit).map((row) => `          ${seriesText(row)}: ${row.message}`),
    ...(hidden > 0 ? [style.dim(`          and ${hidden} more series (--verbose)`)] : []),
  ];
}

function seriesText({ tags }: ThresholdResult): string {
  const { provider, capture, owner } = tags;
  const file = capture?.split("/").at(-1);
  return [provider, owner === undefined ? "" : `owner ${owner}`, file]
    .filter((part) => part !== undefined && part !== "")
    .join(" ");
}
