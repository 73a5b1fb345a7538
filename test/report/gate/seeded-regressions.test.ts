import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COUNTED_NAMES } from "../../../src/replay/plan/counted-names.js";
import type { NetmemRecord, RunRecord } from "../../../src/replay/record/schema.js";
import { baselineFromDocument, baselineOf } from "../../../src/report/gate/baseline.js";
import { buildGate, parseThresholds } from "../../../src/report/gate/build-gate.js";
import { Prng } from "../../../src/report/stats/prng.js";
import { latencyOf, poolOf, recordOf, runOf } from "../sample-record.js";
import { exampleGate, gate, spread, timedRecords } from "./gate-rig.js";

const { thresholds } = parse(exampleGate()) as { thresholds: string[] };

/** One run a provider, in which something small went wrong with one of them. */
function recordWith(provider: string, changes: Partial<RunRecord> = {}): NetmemRecord {
  const runs = ["page", "devmem", "zcrx"].map((name) =>
    runOf(name, {
      ...FILLED,
      ...(name === provider ? changes : {}),
    }),
  );
  return recordOf({ runs });
}

const FILLED: Partial<RunRecord> = {
  pool: poolOf({ allocFast: 100_000, allocSlow: 64, recycleRing: 99_000, hold: 64, release: 64 }),
  recycle: { recyclingPct: 98.94, endToEndPct: 100 },
  latency: runOf("page").latency,
};

/** The example gate of docs/ci.md on a record, with a good one as the saved baseline. */
function exampleOutcome(record: NetmemRecord) {
  const given = thresholds.map((expression) => ({
    expression,
    origin: "netmem.gate.yaml",
    abort: false,
    graceMs: 0,
  }));
  const content = baselineOf([recordWith("none")], COUNTED_NAMES, false);
  return buildGate({
    netmem: record.netmem,
    source: "capture.pcap",
    thresholds: parseThresholds(given, COUNTED_NAMES, [record]),
    records: [record],
    baseline: { name: "main", source: "main.json", content, sameConfig: true },
    looks: 1,
  });
}

describe("the example gate of docs/ci.md", () => {
  it("passes what did not change", () => {
    expect(exampleOutcome(recordWith("none")).outcome).toBe("pass");
  });

  it.each(["page", "devmem", "zcrx"])("catches %s recycling 1 %% less", (provider) => {
    const worse = { recyclingPct: 98.94 * 0.99, endToEndPct: 99 };
    const { outcome, thresholds: rows } = exampleOutcome(recordWith(provider, { recycle: worse }));
    expect(outcome).toBe("fail");
    expect(rows[0]!.tags.provider).toBe(provider);
  });

  it("catches one leaked netmem", () => {
    const { byOwner } = runOf("zcrx").leaks;
    const leaks = { count: 1, byOwner: { ...byOwner, app: 1 }, zombies: 0, netmems: [] };
    const { outcome, thresholds: rows } = exampleOutcome(recordWith("zcrx", { leaks }));
    expect(outcome).toBe("fail");
    expect(rows[0]!.message).toBe("1 is not 0");
  });

  it("catches a tail that grew by 2 %, a drop, a copied byte and a lost one", () => {
    const { latency } = runOf("page");
    const slow = { ...latency, deliver: latencyOf(3000, 4000, 12_342_000) };
    expect(exampleOutcome(recordWith("zcrx", { latency: slow })).outcome).toBe("fail");
    expect(exampleOutcome(recordWith("page", { drops: { TCP_CSUM: 1 } })).outcome).toBe("fail");
    const copy = { bytes: 1, byReason: { frag: 1 } };
    expect(exampleOutcome(recordWith("devmem", { copy })).outcome).toBe("fail");
    expect(exampleOutcome(recordWith("page", { deliveredBytes: 1_399_999 })).outcome).toBe("fail");
  });
});

describe("the example gate on host time", () => {
  const verdicts = (shift: number, count: number) => {
    const counts = { pass: 0, fail: 0, inconclusive: 0 };
    for (let round = 0; round < 20; round++) {
      // Other parts of one low-discrepancy walk: other noise each round.
      const base = spread(100, 0.03, count + round).slice(round);
      const head = spread(100 * (1 + shift), 0.03, count + 7 + 3 * round).slice(7 + 3 * round);
      const report = gate(
        ["host.ns_per_packet <= baseline*1.02"],
        timedRecords(head),
        timedRecords(base),
      );
      counts[report.outcome]++;
    }
    return counts;
  };

  it("catches 15 % more at 9 repetitions", () => {
    expect(verdicts(0.15, 9)).toEqual({ pass: 0, fail: 20, inconclusive: 0 });
  });

  it("catches 5 % more at 31, and never passes it", () => {
    const { pass, fail } = verdicts(0.05, 31);
    expect(pass).toBe(0);
    expect(fail).toBeGreaterThanOrEqual(15);
  });
});

describe("a host gate on a machine where the noise is ten times the bound", () => {
  it("fails an unchanged program in at most 1 % of 400 gates", () => {
    const prng = new Prng(7);
    // The sum of three draws: a deviation of some 20 %, and a spread of a factor of three.
    const sample = () => 100 * Math.exp(0.4 * (prng.unit() + prng.unit() + prng.unit() - 1.5));
    const side = () => timedRecords(Array.from({ length: 9 }, sample));
    const counts = { pass: 0, fail: 0, inconclusive: 0 };
    for (let i = 0; i < 400; i++) {
      counts[gate(["host.ns_per_packet <= baseline*1.02"], side(), side()).outcome]++;
    }
    expect(counts.fail).toBeLessThanOrEqual(4);
    expect(counts.inconclusive).toBeGreaterThan(380);
  });
});

describe("a baseline file", () => {
  const document = baselineOf([recordWith("none")], COUNTED_NAMES, false);
  const series = () => document.series[0]!;

  it("keeps what is not 0, in the order of the catalogue", () => {
    expect(Object.keys(series().metrics)).toEqual([
      "delivered.bytes",
      "reference.bytes",
      "latency.driver",
      "latency.stack",
      "latency.app",
      "latency.hold",
      "latency.deliver",
      "latency.lifetime",
      "pool.recycling_pct",
      "pool.end_to_end_pct",
      "pool.alloc_fast",
      "pool.alloc_slow",
      "pool.recycle_ring",
      "pool.hold",
      "pool.release",
      "tcp.TCPRcvCoalesce",
    ]);
    expect(document.machine).toBeNull();
  });

  it("refuses figures that it does not keep", () => {
    const figures = baselineFromDocument(document, "main", "main.json");
    expect(figures.machine).toBeNull();
    const run = () => {
      const threshold = parseThresholds(
        [
          {
            expression: "latency.deliver: p(97) <= baseline",
            origin: "x",
            abort: false,
            graceMs: 0,
          },
        ],
        COUNTED_NAMES,
        [],
      );
      return buildGate({
        netmem: { version: "0", commit: null },
        source: "x",
        thresholds: threshold,
        records: [recordWith("none")],
        baseline: { name: "main", source: "main.json", content: document, sameConfig: true },
        looks: 1,
      });
    };
    expect(run).toThrow("baseline main does not keep latency.deliver: p(97)");
  });
});
