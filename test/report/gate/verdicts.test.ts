import { describe, expect, it } from "vitest";
import { gateSchema } from "../../../src/replay/record/gate-schema.js";
import { gateTable } from "../../../src/report/table/gate-table.js";
import { makeStyle } from "../../../src/report/table/style.js";
import { recordOf, runOf } from "../sample-record.js";
import { gate, spread, timedRecords } from "./gate-rig.js";

const host = (bound: string, head: readonly number[], base: readonly number[]) =>
  gate([`host.ns_per_packet <= ${bound}`], timedRecords(head), timedRecords(base)).outcome;

describe("deterministic thresholds", () => {
  it("are held exactly, each series on its own, the worst first", () => {
    const report = gate(["copy.bytes == 0", "latency.deliver: max <= 12.1ms"], [recordOf()]);
    expect(report.outcome).toBe("fail");
    expect(report.counts).toEqual({ pass: 5, fail: 1, inconclusive: 0 });
    expect(report.thresholds[0]).toMatchObject({
      metric: "copy.bytes",
      tags: { provider: "page" },
      value: 1_400_000,
      bound: 0,
      verdict: "fail",
      message: "1,400,000 B is not 0 B",
    });
    expect(gateSchema.parse(report)).toEqual(report);
  });

  it("tell a difference of one", () => {
    const base = [recordOf({ runs: [runOf("zcrx", { copy: { bytes: 999, byReason: {} } })] })];
    const head = [recordOf({ runs: [runOf("zcrx", { copy: { bytes: 1000, byReason: {} } })] })];
    const report = gate(["copy.bytes <= baseline"], head, base);
    expect(report.outcome).toBe("fail");
    expect(report.thresholds[0]!.message).toBe("1,000 B is above 999 B (baseline 999 B, +0.1 %)");
    expect(gate(["copy.bytes <= baseline"], base, head).outcome).toBe("pass");
  });

  it("hold what did not change equal to the last bit, however many digits it has", () => {
    for (let i = 1; i < 200; i++) {
      const recycle = { recyclingPct: (3000 * 100) / (2899 + i), endToEndPct: 100 };
      const same = [recordOf({ runs: [runOf("zcrx", { recycle })] })];
      const all = ["<=", "==", ">="].map((operator) => `pool.recycling_pct ${operator} baseline`);
      expect([i, gate(all, same, same).outcome]).toEqual([i, "pass"]);
    }
  });

  it("count by owner, by capture and by share", () => {
    const leaks = {
      count: 3,
      byOwner: { ...runOf("x").leaks.byOwner, app: 2, stack: 1 },
      zombies: 0,
      netmems: [],
    };
    const run = runOf("zcrx", { leaks, packets: 1000, drops: { RX_ALLOC_FAIL: 2 } });
    const records = [recordOf({ runs: [run] })];
    const of = (expression: string) => gate([expression], records).thresholds[0]!;
    expect(of("leak.netmems{owner=app} == 2").verdict).toBe("pass");
    expect(of("leak.netmems == 3").verdict).toBe("pass");
    expect(of("drop.total: rate <= 0.2%")).toMatchObject({ verdict: "pass", value: 0.002 });
    expect(of("drop.PROTO_MEM{capture=sample.pcap} == 0").verdict).toBe("pass");
  });

  it("read percentiles that the record does not state from the histogram", () => {
    const { value } = gate(["latency.deliver{provider=page}: p(75) > 0"], [recordOf()])
      .thresholds[0]!;
    expect(value).toBeGreaterThan(4000);
    expect(value).toBeLessThan(12_200_000);
  });
});

describe("host thresholds", () => {
  const base = spread(100, 0.03, 9);

  it("fail when the samples rule the bound out", () => {
    expect(host("baseline*1.05", spread(115, 0.03, 9), base)).toBe("fail");
    expect(host("baseline*1.05", spread(105.8, 0.03, 31), spread(100, 0.03, 31))).not.toBe("pass");
  });

  it("pass when they rule its breaking out", () => {
    expect(host("baseline*1.05", spread(100, 0.03, 9), base)).toBe("pass");
    expect(host("baseline*1.05", spread(80, 0.03, 9), base)).toBe("pass");
  });

  it("are inconclusive between, with too few samples, and on a bound that is just met", () => {
    expect(host("baseline*1.05", spread(105, 0.03, 9), base)).toBe("inconclusive");
    expect(host("baseline", base, base)).toBe("inconclusive");
    expect(host("baseline*1.05", [200, 201], [100, 101])).toBe("inconclusive");
  });

  it("are held against a figure by the sign test", () => {
    const at = (bound: string, count: number) =>
      gate([`host.ns_per_packet < ${bound}`], timedRecords(spread(100, 0.02, count))).outcome;
    expect(at("110ns", 9)).toBe("pass");
    expect(at("90ns", 9)).toBe("fail");
    expect(at("100ns", 9)).toBe("inconclusive");
    expect(at("90ns", 5)).toBe("inconclusive");
  });

  it("turn round for what should be high", () => {
    const report = gate(
      ["host.packets_per_second >= baseline*0.95"],
      timedRecords(spread(115, 0.03, 9)),
      timedRecords(base),
    );
    expect(report.outcome).toBe("fail");
  });

  it("need more to fail when they are looked at early", () => {
    const head = timedRecords(spread(115, 0.03, 5));
    const before = timedRecords(spread(100, 0.03, 5));
    const early = (looks: number) =>
      gate(["host.ns_per_packet <= baseline*1.05"], head, before, looks).outcome;
    expect(early(1)).toBe("fail");
    expect(early(9)).toBe("inconclusive");
  });
});

describe("the gate's table", () => {
  it("says what failed and why, within 80 columns", () => {
    const report = gate(["copy.bytes == 0", "leak.netmems == 0"], [recordOf()]);
    const text = gateTable(report, "normal", makeStyle(false));
    expect(text).toContain("FAIL  test  1 failed, 5 of 6 passed");
    expect(text).toContain("page sample.pcap: 1,400,000 B is not 0 B");
    expect(text).toContain("pass    leak.netmems == 0  (3 series)");
    const lines = text.split("\n").slice(0, -1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("is silent about what passed when it should be quiet", () => {
    const passing = gate(["leak.netmems == 0"], [recordOf()]);
    expect(gateTable(passing, "quiet", makeStyle(false))).toBe("");
  });
});
