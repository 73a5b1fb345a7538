import { toDouble } from "../../replay/record/json-number.js";
import { SUITE_SCHEMA } from "../../replay/record/names.js";
import type { NetmemRecord, NetmemSuite, ReplayDocument } from "../../replay/record/schema.js";
import { grid } from "./grid.js";
import { counted, grouped, humanTime } from "./numbers.js";
import { problemsOf } from "./problems.js";
import { type Detail, problemBlock, recordTable } from "./record-table.js";
import { runName } from "./run-name.js";
import type { Style } from "./style.js";

/** The table of whatever a replay answered with, for a terminal of `width` columns. */
export function documentTable(
  document: ReplayDocument,
  detail: Detail,
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  if (document.schema === SUITE_SCHEMA) return suiteTable(document, detail, style);
  return recordTable(document, detail, style, width);
}

/**
 * The table of a suite: captures that failed, problems by capture, then one line a capture, the
 * worst first. `verbose` shows every record whole instead of its line.
 */
function suiteTable(suite: NetmemSuite, detail: Detail, style: Style): string {
  const failed = suite.failed.map(({ path, code, message }) => {
    // Most messages name the capture themselves.
    const told = message.startsWith(`${path}: `) ? message : `${path}: ${message}`;
    return style.red(`! ${told} (${code})`);
  });
  const worst = [...suite.records].sort((a, b) => badness(b) - badness(a));
  const records =
    detail === "verbose"
      ? worst.map((record) => recordTable(record, detail, style))
      : worst.map((record) => namedProblems(record, detail, style));
  const blocks = [failed.join("\n"), ...records];
  if (detail !== "quiet") blocks.push(captureLines(worst, suite, style), sumLine(suite));
  return blocks.filter((block) => block !== "").join("\n\n");
}

function badness(record: NetmemRecord): number {
  const problems = problemsOf(record);
  const bad = problems.filter(({ weight }) => weight === "bad").length;
  return bad * 1000 + problems.length;
}

function namedProblems(record: NetmemRecord, detail: Detail, style: Style): string {
  const problems = problemBlock(record, detail, style);
  return problems === "" ? "" : `${style.bold(record.capture.path)}\n${problems}`;
}

function captureLines(
  records: readonly NetmemRecord[],
  { summary }: NetmemSuite,
  style: Style,
): string {
  const providers = [...new Set(records.flatMap((record) => record.runs.map(runName)))];
  const p99 = (record: NetmemRecord, provider: string) => {
    const run = record.runs.find((candidate) => runName(candidate) === provider);
    return run === undefined ? "-" : humanTime(run.latency.deliver.p99);
  };
  const head = ["packets", "delivered", "leaks", ...providers.map((name) => `${name} p99`)];
  const rows = records.map((record) => [
    grouped(record.capture.packets),
    delivered(record),
    grouped(record.runs.reduce((sum, run) => sum + toDouble(run.leaks.count), 0)),
    ...providers.map((provider) => p99(record, provider)),
    record.capture.path,
  ]);
  const means = providers.map((name) => {
    const total = summary.providers?.find(
      ({ provider, backend }) => (backend === "memory" ? provider : backend) === name,
    );
    return total?.geomean.deliverP99Ns ?? null;
  });
  const shown = means.map((mean) => (mean === null ? "-" : humanTime(mean)));
  const mean = means.every((each) => each === null)
    ? []
    : [["", "", "", ...shown, "geometric mean"]];
  const bold = [...head, "capture"].map((text) => style.bold(text));
  return grid([bold, ...rows, ...mean], [...head.map(() => "right" as const), "left"]);
}

function delivered(record: NetmemRecord): string {
  const sums = new Set(record.runs.map((run) => String(run.deliveredBytes)));
  return sums.size === 1 ? grouped([...sums][0]!) : "differs";
}

function sumLine({ summary }: NetmemSuite): string {
  return [
    counted(summary.captures, "capture"),
    counted(summary.packets, "packet"),
    `${grouped(summary.deliveredBytes)} bytes delivered`,
    `${grouped(summary.drops)} dropped`,
    `${grouped(summary.leaks)} leaked`,
    `${grouped(summary.damaged)} damaged`,
  ].join(", ");
}
