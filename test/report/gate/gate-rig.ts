import { readFileSync } from "node:fs";
import { COUNTED_NAMES } from "../../../src/replay/plan/counted-names.js";
import type { Machine } from "../../../src/replay/record/parts.js";
import type { NetmemRecord, RunRecord } from "../../../src/replay/record/schema.js";
import { buildGate, parseThresholds } from "../../../src/report/gate/build-gate.js";
import type { GateReport } from "../../../src/report/gate/gate-report.js";
import { captureOf, recordOf, runOf } from "../sample-record.js";

/** Records and gates made by hand, for tests of thresholds. */

export const MACHINE: Machine = {
  cpu: "Example 1 GHz",
  cpus: 2,
  arch: "x64",
  os: "Linux 6.18",
  node: "v20.19.0",
};

// Histograms take longest to make, and are the same in all of them.
const TEMPLATE = recordOf({ runs: [runOf("zcrx")] });

/** A run whose host time is given, measured on MACHINE unless another is named. */
export function timedRun(
  provider: string,
  nsPerPacket: number,
  changes: Partial<RunRecord> = {},
  machine: Machine = MACHINE,
): RunRecord {
  const run = { ...TEMPLATE.runs[0]!, provider, ...changes };
  const host = { ...run.host!, nsPerPacket, packetsPerSecond: 1e9 / nsPerPacket, machine };
  return { ...run, host };
}

/** One record a sample, of zcrx alone. */
export function timedRecords(samples: readonly number[], machine?: Machine): NetmemRecord[] {
  return samples.map((ns) => ({ ...TEMPLATE, runs: [timedRun("zcrx", ns, {}, machine)] }));
}

/** Holds expressions against records. */
export function gate(
  expressions: readonly string[],
  records: readonly NetmemRecord[],
  baseline: readonly NetmemRecord[] | null = null,
  looks = 1,
): GateReport {
  const given = expressions.map((expression) => ({
    expression,
    origin: "--threshold",
    abort: false,
    graceMs: 0,
  }));
  return buildGate({
    netmem: { version: "0.1.0", commit: null },
    source: "test",
    thresholds: parseThresholds(given, COUNTED_NAMES, records),
    records,
    baseline:
      baseline === null
        ? null
        : { name: "main", source: "main.json", content: baseline, sameConfig: true },
    looks,
  });
}

/** What an action throws, as `CODE: message | suggestion`. */
export function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    const { code, message, suggestion } = error as {
      code: string;
      message: string;
      suggestion: string;
    };
    return `${code}: ${message} | ${suggestion}`;
  }
  return "nothing was refused";
}

/** Samples around a middle with a given spread, the same each time. */
export function spread(middle: number, share: number, count: number): number[] {
  // A low-discrepancy walk: no clumps, whatever the count.
  return Array.from(
    { length: count },
    (_, i) => middle * (1 + share * 2 * (((i + 1) * 0.618034) % 1) - share),
  );
}

/** The example gate of docs/ci.md. */
export function exampleGate(): string {
  const text = readFileSync(new URL("../../../docs/ci.md", import.meta.url), "utf8");
  return /<!-- example gate -->\n```yaml\n(.*?)```/s.exec(text)![1]!;
}

export const OTHER_CAPTURE = captureOf({ path: "other.pcap", sha256: "ef".repeat(32) });
