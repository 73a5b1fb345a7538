import { describe, expect, it } from "vitest";
import { COUNTED_NAMES } from "../../../src/replay/plan/counted-names.js";
import type { RunRecord } from "../../../src/replay/record/schema.js";
import { buildComparison } from "../../../src/report/compare/build-comparison.js";
import { type Comparison, rowName } from "../../../src/report/compare/comparison.js";
import { latencyOf, recordOf, runOf } from "../sample-record.js";

/** A column of nine repetitions; `run` makes each from its number. */
function column(label: string, run: (i: number) => RunRecord) {
  const records = Array.from({ length: 9 }, (_, i) => recordOf({ runs: [run(i)] }));
  return { label, source: label, settings: { backend: label }, records };
}

function kernelRun(i: number, changes: Partial<RunRecord> = {}): RunRecord {
  const { latency, host } = runOf("kernel");
  return runOf("kernel", {
    backend: "kernel-tcp",
    clock: "kernel",
    latency: { ...latency, deliver: latencyOf(4000 + 40 * i) },
    host: { ...host!, nsPerPacket: 100 + i },
    ...changes,
  });
}

function compare(...columns: Array<ReturnType<typeof column>>): Comparison {
  return buildComparison({
    mode: "matrix",
    netmem: { version: "0", commit: null },
    columns,
    base: 0,
    seed: 1,
    repetitions: 9,
    warmup: 0,
    minEffect: 0.02,
    complete: true,
    force: false,
    known: COUNTED_NAMES,
  });
}

const cells = (comparison: Comparison, name: string) =>
  comparison.rows.find((row) => rowName(row) === name)!.cells.map(({ verdict }) => verdict);

describe("a model beside a kernel", () => {
  const page = column("page", () =>
    runOf("page", { copy: { bytes: 9, byReason: { recvmsg: 9 } } }),
  );
  const zcrx = column("zcrx", () => runOf("zcrx"));
  const kernel = column("kernel-tcp", (i) => kernelRun(i));
  const lossy = column("lossy", (i) => kernelRun(i, { deliveredBytes: 1_400_000 - (i % 3) }));
  const comparison = compare(page, zcrx, kernel, lossy);

  it("leaves the verdicts between two model columns exact", () => {
    expect(cells(comparison, "copy.bytes").slice(0, 2)).toEqual(["base", "improved"]);
    expect(cells(comparison, "latency.stack: p(99)").slice(0, 2)).toEqual(["base", "unchanged"]);
  });

  it("calls times of unlike clocks different, neither better nor worse, and none the best", () => {
    const row = comparison.rows.find((each) => rowName(each) === "latency.deliver: p(99)")!;
    expect(row.cells.map(({ verdict }) => verdict)).toEqual([
      "base",
      "unchanged",
      "different",
      "different",
    ]);
    expect(row.best).toEqual([]);
    expect(row.cells[2]!.p).toBeNull();
  });

  it("compares what a kernel counts the same each time, and is unsure of the rest", () => {
    expect(cells(comparison, "copy.bytes")[2]).toBe("improved");
    expect(cells(comparison, "delivered.bytes").slice(2)).toEqual(["unchanged", "inconclusive"]);
  });

  it("counts the tests and repetitions of the columns with noise alone", () => {
    expect(comparison.warnings).toEqual([]);
    expect(comparison.power!.tests).toBe(3);
  });
});

describe("counts of a kernel that can be 0", () => {
  const drops = (of: (i: number) => number) => (i: number) =>
    kernelRun(i, { drops: { TCP_CSUM: of(i) } });

  it("are worse where any repetition tells them apart, and the same where none does", () => {
    const none = column(
      "a",
      drops(() => 0),
    );
    const some = column(
      "b",
      drops((i) => 2 + (i % 2)),
    );
    const same = column(
      "c",
      drops(() => 0),
    );
    expect(cells(compare(none, some, same), "drop.TCP_CSUM{provider=kernel}")).toEqual([
      "base",
      "regressed",
      "unchanged",
    ]);
  });
});
