import * as hdr from "hdr-histogram-js";
import { describe, expect, it } from "vitest";
import { LogLinearHistogram } from "../../../src/engine/probe/histogram.js";
import { toLatency } from "../../../src/replay/measure/histogram.js";

function filled(values: readonly number[]): LogLinearHistogram {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value, 1);
  return histogram;
}

const latency = (values: readonly number[]) =>
  toLatency("model", filled(values), LogLinearHistogram);

describe("an engine histogram turned into the record's latency", () => {
  it("keeps count, min, mean and max exact and percentiles within a bucket's width", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => 1000 + i * 37);
    const { count, min, mean, max, p50, p90, p99, p999 } = latency(values);
    expect({ count, min, max }).toEqual({ count: 10_000, min: 1000, max: values.at(-1) });
    expect(mean).toBeCloseTo(values.reduce((a, b) => a + b) / values.length, 6);
    const near = (value: number | string, rank: number) => {
      expect(Number(value) / values[Math.ceil(rank * 10_000) - 1]!).toBeGreaterThanOrEqual(1);
      expect(Number(value) / values[Math.ceil(rank * 10_000) - 1]!).toBeLessThan(1.01);
    };
    near(p50, 0.5);
    near(p90, 0.9);
    near(p99, 0.99);
    near(p999, 0.999);
  });

  it("carries a histogram that hdr-histogram-js decodes to the same percentiles", () => {
    const result = latency([5, 70, 900, 12_345, 12_345, 3_000_000_000, 40_000_000_000]);
    const decoded = hdr.decodeFromCompressedBase64(result.hdr, 64);
    expect(decoded.totalCount).toBe(7);
    expect(result.p50).toBe(decoded.getValueAtPercentile(50));
    expect(decoded.getValueAtPercentile(100)).toBeGreaterThanOrEqual(40_000_000_000);
    expect(Number(result.p99)).toBeLessThanOrEqual(Number(result.max));
  });

  it("is the same text for the same counts", () => {
    expect(latency([1, 2, 3]).hdr).toBe(latency([3, 2, 1]).hdr);
  });

  it("is all zero, and still decodes, when nothing was recorded", () => {
    const { hdr: text, ...rest } = latency([]);
    expect(rest).toEqual({
      clock: "model",
      unit: "ns",
      count: 0,
      min: 0,
      mean: 0,
      p50: 0,
      p90: 0,
      p99: 0,
      p999: 0,
      max: 0,
    });
    expect(hdr.decodeFromCompressedBase64(text, 64).totalCount).toBe(0);
  });

  it("keeps percentiles right beyond 2^53 ns, as decimal strings", () => {
    const year = 31_557_600 * 1e9;
    const result = latency([10, 3 * year, 3 * year, 3 * year]);
    expect(result.max).toBe(BigInt(3 * year).toString());
    expect(result.p50).toBe(result.max);
    expect(result.min).toBe(10);
    expect(hdr.decodeFromCompressedBase64(result.hdr, 64).totalCount).toBe(4);
  });
});
