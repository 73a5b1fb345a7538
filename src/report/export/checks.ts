import type { ComparisonRow } from "../../replay/record/comparison-schema.js";
import type { GateReport } from "../../replay/record/gate-schema.js";
import { toDouble } from "../../replay/record/json-number.js";
import { isForMemory } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { rowName } from "../compare/comparison.js";
import { seriesName } from "../gate/gate-report.js";
import { counted, grouped } from "../table/numbers.js";
import { deliversAlike } from "../table/problems.js";
import { runName } from "../table/run-name.js";
import type { Subject } from "./subject.js";
import { valueText } from "./value-text.js";

/** How a check ended; the order is from the worst to the best. */
export const CHECK_ORDER = ["error", "fail", "skip", "pass"] as const;
/** `error`: the run itself is broken; `skip`: nothing was decided. */
export type CheckResult = (typeof CHECK_ORDER)[number];

/** One thing that was to hold: a test case of JUnit, a line of KTAP, an annotation. */
export interface Check {
  readonly name: string;
  readonly result: CheckResult;
  /** One sentence; empty where the check passed without more to say. */
  readonly message: string;
}

/** Checks that belong together: one provider's run, one gate, one comparison. */
export interface CheckGroup {
  readonly name: string;
  /** Host time that the group took; 0 where it is not known. */
  readonly seconds: number;
  readonly properties: ReadonlyArray<readonly [name: string, value: string]>;
  readonly checks: readonly Check[];
}

/** Every check of what is exported, group by group. */
export function checksOf(subject: Subject): CheckGroup[] {
  return [
    ...subject.gates.map(gateGroup),
    ...subject.comparisons.map((comparison) => ({
      name: `compare ${comparison.columns.map(({ label }) => label).join(" | ")}`,
      seconds: 0,
      properties: [["schema", comparison.schema] as const],
      checks: comparison.rows.flatMap((row) =>
        rowChecks(
          row,
          comparison.columns.map(({ label }) => label),
        ),
      ),
    })),
    ...subject.records.flatMap(recordGroups),
    ...failedGroup(subject),
  ];
}

/** The worst result of some checks. */
export function worstOf(checks: readonly Check[]): CheckResult {
  return CHECK_ORDER.find((result) => checks.some((check) => check.result === result)) ?? "pass";
}

/** How many checks ended so. */
export function countOf(checks: readonly Check[], result: CheckResult): number {
  return checks.filter((check) => check.result === result).length;
}

function gateGroup(gate: GateReport): CheckGroup {
  const result = { pass: "pass", fail: "fail", inconclusive: "skip" } as const;
  const aborted = gate.aborted === null ? [] : [abortedCheck(gate.aborted)];
  return {
    name: `gate ${gate.subject.source}`,
    seconds: 0,
    properties: [
      ["schema", gate.schema],
      ["outcome", gate.outcome],
      ...(gate.baseline === null ? [] : [["baseline", gate.baseline.name] as const]),
      ...gate.subject.reproduce.map((line) => ["reproduce", line] as const),
    ],
    checks: [
      ...gate.thresholds.map((each) => ({
        // The bound as it was written: a name must not change with the baseline's figures.
        name: `${seriesName(each)} ${each.operator} ${boundText(each)}`,
        result: result[each.verdict],
        message: each.verdict === "pass" ? "" : each.message,
      })),
      ...aborted,
    ],
  };
}

function boundText({ expression, operator }: GateReport["thresholds"][number]): string {
  return expression.slice(expression.lastIndexOf(operator) + operator.length).trim();
}

function abortedCheck({ expression, afterRepetitions, of }: NonNullable<GateReport["aborted"]>) {
  const message = `${expression} ended the runs after ${afterRepetitions} of ${of} repetitions`;
  return { name: "all repetitions ran", result: "skip", message } as const;
}

function rowChecks(row: ComparisonRow, labels: readonly string[]): Check[] {
  const base = row.cells.find((cell) => cell.verdict === "base");
  return row.cells.flatMap((cell, i) => {
    if (cell.verdict === "base") return [];
    const result =
      cell.verdict === "regressed"
        ? "fail"
        : cell.verdict === "missing"
          ? "error"
          : cell.verdict === "inconclusive"
            ? "skip"
            : "pass";
    const [was, is] = [base?.value ?? null, cell.value].map((value) => valueText(value, row.unit));
    const message = cell.verdict === "unchanged" ? "" : `${cell.verdict}: ${was} to ${is}`;
    return [{ name: `${rowName(row)} [${labels[i]}]`, result, message } as const];
  });
}

/** A run through a real kernel has another one than the settings name, and no modelled driver. */
function modelSettings({ config }: NetmemRecord, { native }: RunRecord): CheckGroup["properties"] {
  if (native !== undefined) return [];
  return [
    ["kernel", config.kernel],
    ["driver", config.driver],
  ];
}

function recordGroups(record: NetmemRecord): CheckGroup[] {
  const { capture } = record;
  const agree = deliversAlike(record);
  const damage = capture.damage.map(({ offset, reason }) => `byte ${grouped(offset)}: ${reason}`);
  return record.runs.map((run) => ({
    name: `replay ${capture.path} ${runName(run)}`,
    seconds: toDouble(run.host?.elapsedNs ?? 0) / 1e9,
    properties: [
      ["schema", record.schema],
      ["netmem", record.netmem.version],
      ["backend", run.backend],
      ...modelSettings(record, run),
      ["capture.sha256", capture.sha256],
      ["reproduce", record.reproduce],
    ],
    checks: [
      zero("leak.netmems == 0", run.leaks.count, leakText(run)),
      zero("leak.zombies == 0", run.leaks.zombies, "pools cannot be freed"),
      zero("no drops for lack of memory", memoryDrops(run), dropText(run)),
      {
        name: "same bytes as the other providers",
        result: agree ? "pass" : "error",
        message: agree ? "" : `${grouped(run.deliveredBytes)} bytes; others delivered otherwise`,
      },
      {
        name: "capture whole",
        result: damage.length === 0 ? "pass" : "error",
        message: damage.join("; "),
      },
    ],
  }));
}

function failedGroup({ failed }: Subject): CheckGroup[] {
  if (failed.length === 0) return [];
  const checks = failed.map(({ path, code, message }) => {
    const absent = code === "NETMEM_BACKEND_UNAVAILABLE";
    const result: CheckResult = absent ? "skip" : "error";
    return { name: path, result, message: `${message} (${code})` };
  });
  return [{ name: "captures that gave no record", seconds: 0, properties: [], checks }];
}

function zero(name: string, value: number | string, message: string): Check {
  const passed = toDouble(value) === 0;
  return { name, result: passed ? "pass" : "fail", message: passed ? "" : message };
}

function leakText({ leaks }: RunRecord): string {
  const owners = Object.entries(leaks.byOwner).filter(([, count]) => toDouble(count) > 0);
  const held = owners.map(([owner, count]) => `${owner} ${grouped(count)}`).join(", ");
  return `${counted(leaks.count, "netmem")} leaked (${held})`;
}

function shortDrops(run: RunRecord): Array<[string, number | string]> {
  return Object.entries(run.drops).filter(([reason]) => isForMemory(reason));
}

function memoryDrops(run: RunRecord): number {
  return shortDrops(run).reduce((sum, [, count]) => sum + toDouble(count), 0);
}

function dropText(run: RunRecord): string {
  const reasons = shortDrops(run).map(([reason, count]) => `${reason} ${grouped(count)}`);
  return `${counted(memoryDrops(run), "packet")} dropped (${reasons.join(", ")})`;
}
