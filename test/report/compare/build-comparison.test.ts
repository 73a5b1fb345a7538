import { describe, expect, it } from "vitest";
import { COUNTED_NAMES } from "../../../src/replay/plan/counted-names.js";
import { comparisonSchema } from "../../../src/replay/record/comparison-schema.js";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { buildComparison } from "../../../src/report/compare/build-comparison.js";
import { type Comparison, rowName } from "../../../src/report/compare/comparison.js";
import { comparisonTable } from "../../../src/report/table/comparison-table.js";
import { makeStyle } from "../../../src/report/table/style.js";
import { MACHINE, OTHER_CAPTURE, spread, timedRecords, timedRun } from "../gate/gate-rig.js";
import { captureOf, recordOf, runOf } from "../sample-record.js";

type Mode = Comparison["mode"];

function settingsOf(mode: Mode, label: string): Record<string, string> {
  return mode === "matrix" ? { provider: label } : {};
}

function compare(
  columns: Readonly<Record<string, readonly NetmemRecord[]>>,
  changes: { mode?: Mode; minEffect?: number; force?: boolean; base?: number } = {},
): Comparison {
  const { mode = "records", minEffect = 0.02, force = false, base = 0 } = changes;
  return buildComparison({
    mode,
    netmem: { version: "0.1.0", commit: null },
    columns: Object.entries(columns).map(([label, records]) => ({
      label,
      source: `${label}.json`,
      settings: settingsOf(mode, label),
      records,
    })),
    base,
    seed: 1,
    repetitions: 9,
    warmup: 1,
    minEffect,
    complete: true,
    force,
    known: COUNTED_NAMES,
  });
}

const rowOf = (comparison: Comparison, name: string) =>
  comparison.rows.find((row) => rowName(row) === name)!;
const host = (base: readonly number[], head: readonly number[]) =>
  rowOf(
    compare({ base: timedRecords(base), head: timedRecords(head) }),
    "host.ns_per_packet{provider=zcrx}",
  ).cells[1]!;

describe("deterministic metrics", () => {
  const one = recordOf({ runs: [runOf("zcrx")] });

  it("are equal or differ; one run is enough and a difference is exact", () => {
    const other = recordOf({
      runs: [runOf("zcrx", { copy: { bytes: 1, byReason: {} }, tcp: { TCPRcvCoalesce: 13 } })],
    });
    const comparison = compare({ a: [one], b: [other] });
    expect(rowOf(comparison, "copy.bytes{provider=zcrx}").cells[1]).toMatchObject({
      value: 1,
      verdict: "regressed",
      p: null,
      interval: null,
    });
    expect(rowOf(comparison, "tcp.TCPRcvCoalesce{provider=zcrx}").cells[1]!.verdict).toBe(
      "different",
    );
    expect(rowOf(comparison, "delivered.bytes{provider=zcrx}").cells[1]!.verdict).toBe("unchanged");
    expect(comparison.rows[0]!.metric).toBe("copy.bytes");
    expect(comparisonSchema.parse(comparison)).toEqual(comparison);
  });

  it("mark the best by the metric's rule, and none where nothing is better", () => {
    const runs = (provider: string, bytes: number) => [
      recordOf({
        runs: [runOf(provider, { reference: { bytes }, copy: { bytes: 5, byReason: {} } })],
      }),
    ];
    const columns = { page: runs("page", 1), devmem: runs("devmem", 9), zcrx: runs("zcrx", 9) };
    const comparison = compare(columns, { mode: "matrix" });
    expect(rowOf(comparison, "reference.bytes").best).toEqual([1, 2]);
    expect(rowOf(comparison, "copy.bytes").best).toEqual([]);
    expect(rowOf(comparison, "pool.alloc_fast").best).toEqual([]);
    expect(rowOf(comparison, "reference.bytes").cells[1]!.verdict).toBe("improved");
  });

  it("pair providers head to head when each record has another one", () => {
    const comparison = compare({
      a: [recordOf({ runs: [runOf("devmem")] })],
      b: [recordOf({ runs: [runOf("zcrx")] })],
    });
    expect(rowOf(comparison, "delivered.bytes").cells.map((cell) => cell.verdict)).toEqual([
      "base",
      "unchanged",
    ]);
  });

  it("say what one side lacks", () => {
    const comparison = compare({ a: [recordOf()], b: [one] });
    expect(rowOf(comparison, "delivered.bytes{provider=page}").cells[1]!.verdict).toBe("missing");
  });
});

describe("host metrics", () => {
  it("get worse, better, stay or remain open", () => {
    const base = spread(100, 0.03, 9);
    expect(host(base, spread(120, 0.03, 9)).verdict).toBe("regressed");
    expect(host(base, spread(80, 0.03, 9)).verdict).toBe("improved");
    expect(host(base, spread(103, 0.03, 9)).verdict).toBe("inconclusive");
    const quiet = spread(100, 0.002, 9);
    expect(
      host(
        quiet,
        quiet.map((x) => x * 1.001),
      ).verdict,
    ).toBe("unchanged");
  });

  it("carry ratio, interval, bootstrap, shift and both p", () => {
    const cell = host(spread(100, 0.03, 9), spread(120, 0.03, 9));
    expect(cell.ratio).toBeCloseTo(1.2, 2);
    expect(cell.interval![0]).toBeLessThan(1.2);
    expect(cell.interval![1]).toBeGreaterThan(1.2);
    expect(cell.bootstrap![0]).toBeLessThan(cell.ratio!);
    expect(cell.shift).toBeCloseTo(20, 0);
    expect(cell.p).toBeLessThan(0.001);
    expect(cell.pAdjusted).toBeGreaterThanOrEqual(cell.p!);
  });

  it("are adjusted over all tests of the comparison", () => {
    const runs = (ns: number) => ["page", "devmem", "zcrx"].map((name) => timedRun(name, ns));
    const records = (samples: number[]) => samples.map((ns) => ({ ...recordOf(), runs: runs(ns) }));
    const { rows, power } = compare({
      a: records(spread(100, 0.01, 4)),
      b: records(spread(120, 0.01, 4)),
    });
    const cells = rows.filter((row) => !row.deterministic).map((row) => row.cells[1]!);
    expect(cells.map((cell) => cell.p!.toFixed(3))).toEqual(["0.029", "0.029", "0.029"]);
    expect(cells.map((cell) => cell.verdict)).toEqual(Array(3).fill("inconclusive"));
    expect(power).toMatchObject({ tests: 3, neededRepetitions: 5, detectablePct: null });
  });

  it("say when there are too few repetitions for any verdict", () => {
    const { warnings } = compare({ a: timedRecords([100]), b: timedRecords([200]) });
    expect(warnings[0]!.message).toContain("1 repetition is too few");
  });
});

describe("unlike records", () => {
  const base = timedRecords(spread(100, 0.01, 9));
  const names = ({ rows }: Comparison) => rows.map((row) => row.metric);

  it.each([
    [
      "machine",
      timedRecords(spread(100, 0.01, 9), { ...MACHINE, node: "v24.0.0" }),
      "node v24.0.0, was v20.19.0",
    ],
    [
      "configuration",
      base.map((record) => ({ ...record, config: { ...record.config, kernel: "6.12" } })),
      "kernel 6.12, was 7.3",
    ],
    [
      "capture",
      base.map((record) => ({ ...record, capture: OTHER_CAPTURE })),
      "captures are others",
    ],
  ])("of another %s have no host metrics, unless forced and labelled", (_, head, reason) => {
    const refused = compare({ a: base, b: head });
    expect(refused.refused.join()).toContain(reason);
    expect(names(refused)).not.toContain("host.ns_per_packet");
    expect(names(refused)).toContain("delivered.bytes");
    const forced = compare({ a: base, b: head }, { force: true });
    const row = rowOf(forced, "host.ns_per_packet{provider=zcrx}");
    expect(row.label).toContain(reason);
    const table = comparisonTable(forced, "normal", makeStyle(false), 80);
    expect(table).toContain("host.ns_per_packet{provider=zcrx} (forced)");
  });

  it("of another netmem are what one wants to compare", () => {
    const head = base.map((record) => ({ ...record, netmem: { version: "9", commit: "c" } }));
    expect(compare({ a: base, b: head }).refused).toEqual([]);
  });
});

describe("several captures", () => {
  it("have a row each and a geometric mean", () => {
    const at = (path: string, p50: number) =>
      recordOf({
        capture: captureOf({ path, sha256: path.repeat(32).slice(0, 64) }),
        runs: [runOf("zcrx", { copy: { bytes: p50, byReason: {} } })],
      });
    const { geomean, rows } = compare({
      a: [at("aa", 100), at("bb", 100)],
      b: [at("aa", 200), at("bb", 800)],
    });
    expect(rows.filter((row) => row.metric === "copy.bytes")).toHaveLength(2);
    const mean = geomean.find(({ metric }) => metric === "copy.bytes")!;
    expect(mean.ratios[1]).toBeCloseTo(4, 10);
    expect(mean.captures).toBe(2);
  });
});

describe("the table of a comparison", () => {
  const columns = Object.fromEntries(
    ["page", "devmem", "zcrx", "umem"].map((name, i) => [
      name,
      spread(100 + 20 * i, 0.02, 9).map((ns) => ({
        ...recordOf(),
        runs: [timedRun(name, ns, { copy: { bytes: 100 - i, byReason: {} } })],
      })),
    ]),
  );
  const comparison = compare(columns, { mode: "matrix" });

  it.each([80, 160])("fits %i columns, with the base in each block", (width) => {
    const lines = comparisonTable(comparison, "normal", makeStyle(false), width).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const heads = lines.filter((line) => /^ +page/.test(line));
    expect(heads.length).toBe(width === 80 ? 3 : 1);
  });

  it("says what is worse and better in words", () => {
    const text = comparisonTable(comparison, "normal", makeStyle(false), 160);
    expect(text).toMatch(/copy\.bytes +100 B +99 B +-1 % better/);
    expect(text).toMatch(/host\.ns_per_packet .*WORSE/);
    expect(text).toContain("equal in all columns; --verbose shows all rows");
  });
});
