import { expect, test } from "vitest";
import { LogLinearHistogram } from "../../../src/engine/probe/histogram.js";
import fc from "../../support/property.js";

test("every value falls into a bucket that holds it and is less than 0.8 % wide", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const ns = Math.abs(value);
      const histogram = new LogLinearHistogram();
      histogram.record(ns, 1);
      const index = histogram.counts.findIndex((count) => count > 0);
      const low = LogLinearHistogram.lowestOf(index);
      const high = LogLinearHistogram.highestOf(index);
      expect(ns).toBeGreaterThanOrEqual(low);
      expect(ns).toBeLessThanOrEqual(high);
      expect(high - low).toBeLessThanOrEqual(low / 128);
    }),
  );
});

test("buckets follow each other without gap or overlap", () => {
  for (let index = 0; index < 128 * 40; index++) {
    expect(LogLinearHistogram.lowestOf(index + 1)).toBe(LogLinearHistogram.highestOf(index) + 1);
  }
});

test("minimum, maximum, sum and total are exact", () => {
  const histogram = new LogLinearHistogram();
  histogram.record(1000, 3);
  histogram.record(7, 1);
  histogram.record(5_000_000_000, 2);
  expect(histogram).toMatchObject({ min: 7, max: 5e9, sum: 3007 + 1e10, total: 6 });
});

test("the gap of the two furthest timestamps is counted, and what is longer at the top", () => {
  const histogram = new LogLinearHistogram();
  const furthestNs = 2 ** 41 * 1e9;
  histogram.record(furthestNs, 1);
  histogram.record(2 ** 200, 1);
  expect(histogram.total).toBe(2);
  const index = LogLinearHistogram.bucketOf(furthestNs);
  expect(furthestNs).toBeLessThanOrEqual(LogLinearHistogram.highestOf(index));
  expect(furthestNs).toBeGreaterThanOrEqual(LogLinearHistogram.lowestOf(index));
});
