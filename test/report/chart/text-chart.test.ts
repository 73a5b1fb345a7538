import { describe, expect, it } from "vitest";
import {
  lastNines,
  linearScale,
  ninesOf,
  percentileAt,
  percentileTicks,
  valueScale,
} from "../../../src/report/chart/scale.js";
import { chartText } from "../../../src/report/chart/text-chart.js";
import { leakingOwners } from "../sample-documents.js";
import { latencyOf, recordOf, runOf } from "../sample-record.js";

const deliver = latencyOf(...Array.from({ length: 1000 }, (_, i) => 1000 + i * i));
const run = (provider: string) =>
  runOf(provider, { latency: { ...runOf(provider).latency, deliver }, owners: leakingOwners() });
const record = recordOf({ runs: [run("page"), runOf("zcrx", { owners: leakingOwners() })] });

describe("charts as text", () => {
  it.each([40, 80, 160])("fill %i columns and no more", (width) => {
    const lines = chartText([record], { width, blocks: false }).split("\n");
    const longest = Math.max(...lines.map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(width);
    expect(longest).toBeGreaterThan(width - 6);
    expect(lines.every((line) => line === line.trimEnd())).toBe(true);
  });

  it("are plain ASCII unless blocks can be shown", () => {
    expect(chartText([record], { width: 80, blocks: false })).toMatch(/^[\n\x20-\x7e]+$/);
    expect(chartText([record], { width: 80, blocks: true })).toMatch(/[\u2581-\u2588]/);
  });

  it("have a letter a provider and one for several", () => {
    const text = chartText([record], { width: 80, blocks: false });
    expect(text.split("\n")[1]).toMatch(/p page {2}z zcrx {2}\* several$/);
    const drawn = text
      .split("\n")
      .filter((line) => / \|/.test(line))
      .join("");
    expect(drawn).toMatch(/p/);
    expect(drawn).toMatch(/z/);
  });

  it("show an owner that grows and what is left", () => {
    const lines = chartText([record], { width: 80, blocks: false }).split("\n");
    const app = lines.find((line) => line.startsWith("  app"))!;
    expect(app).toMatch(/^ {2}app {7,}\.+.*#+ {2}peak 9, end 9$/);
    expect(lines.find((line) => line.startsWith("  driver"))).toMatch(/# {3}peak 64, end 0$/);
    expect(lines.some((line) => line.startsWith("  fallback"))).toBe(false);
  });

  it("are nothing where there is nothing to draw", () => {
    const empty = runOf("page", { latency: { ...runOf("page").latency, deliver: latencyOf() } });
    expect(chartText([recordOf({ runs: [empty] })], { width: 80, blocks: true })).toBe("");
  });
});

describe("the HDR scale", () => {
  it("gives each nine the same width, and ends with the last value", () => {
    for (const percentile of [0, 50, 90, 99, 99.9]) {
      expect(percentileAt(ninesOf(percentile))).toBeCloseTo(percentile, 9);
    }
    expect(ninesOf(99) - ninesOf(90)).toBeCloseTo(ninesOf(99.9) - ninesOf(99), 9);
    expect([lastNines(1), lastNines(1000), lastNines(1e9)]).toEqual([2, 3, 5]);
    expect(percentileTicks(3).map(({ label }) => label)).toEqual(["0", "50", "90", "99", "99.9"]);
  });
});

describe("a scale of values", () => {
  it("is logarithmic where values differ much, with powers of ten", () => {
    const scale = valueScale([30, 1e6]);
    expect(scale.log).toBe(true);
    expect(scale.ticks).toEqual([10, 100, 1000, 1e4, 1e5, 1e6]);
    expect([scale.at(10), scale.at(1e6)]).toEqual([0, 1]);
  });

  it("else begins at 0 and ends at a round number", () => {
    for (const max of [1, 7, 53, 999, 1e12]) {
      const { ticks, at } = linearScale(max);
      expect(ticks[0]).toBe(0);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
      expect(at(ticks.at(-1)!)).toBe(1);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }
    expect(valueScale([0, 5e6]).log).toBe(false);
  });
});
