import * as simple from "simple-statistics";
import { describe, expect, it } from "vitest";
import { bootstrapRatio, quantile } from "../../../src/report/stats/bootstrap.js";
import { hodgesLehmann, medianInterval } from "../../../src/report/stats/hodges-lehmann.js";
import { holm } from "../../../src/report/stats/holm.js";
import { doubledRanks, mannWhitney } from "../../../src/report/stats/mann-whitney.js";
import { normalCdf, normalQuantile } from "../../../src/report/stats/normal.js";
import { detectableShift, neededRepetitions } from "../../../src/report/stats/power.js";
import { Prng } from "../../../src/report/stats/prng.js";
import { geometricMean, median, relativeNoise } from "../../../src/report/stats/summary.js";

/** Permeability constants of Hollander and Wolfe (1973), p. 69, as in R's help of wilcox.test. */
const AT_TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLIER = [1.15, 0.88, 0.9, 0.74, 1.21];

/** P over all choices, by trying each one. */
function bruteForce(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const ranks = all.map(
    (x) => all.filter((y) => y < x).length + all.filter((y) => y === x).length / 2,
  );
  const mean = (a.length * all.length) / 2;
  const away = Math.abs(a.reduce((sum, _, i) => sum + ranks[i]!, 0) - mean);
  let found = 0;
  let choices = 0;
  for (let mask = 0; mask < 1 << all.length; mask++) {
    let size = 0;
    let sum = 0;
    for (let i = 0; i < all.length; i++) {
      if ((mask & (1 << i)) === 0) continue;
      size++;
      sum += ranks[i]!;
    }
    if (size !== a.length) continue;
    choices++;
    if (Math.abs(sum - mean) >= away - 1e-9) found++;
  }
  return found / choices;
}

describe("Mann-Whitney", () => {
  it("gives R's figures for Hollander and Wolfe's permeability constants", () => {
    const { u, p } = mannWhitney(AT_TERM, EARLIER, "greater");
    expect(u).toBe(35);
    expect(p).toBeCloseTo(0.1272, 4);
    expect(mannWhitney(AT_TERM, EARLIER).p).toBeCloseTo(0.2544, 4);
  });

  it("gives SciPy's figures for its example on ages at diagnosis", () => {
    const { u, p } = mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]);
    expect(u).toBe(17);
    expect(p).toBeCloseTo(0.1111111111111111, 12);
  });

  it("cannot go below 0.10, 0.029 and 0.008 with 3, 4 and 5 a side", () => {
    const least = [3, 4, 5].map((n) => {
      const low = Array.from({ length: n }, (_, i) => i);
      return mannWhitney(
        low,
        low.map((x) => x + 100),
      ).p;
    });
    expect(least.map((p) => p.toFixed(3))).toEqual(["0.100", "0.029", "0.008"]);
  });

  // Largest U that is significant at 5 %, two-sided: the table that textbooks print.
  it.each([
    [4, 4, 0],
    [5, 5, 2],
    [5, 8, 6],
    [9, 9, 17],
    [10, 10, 23],
    [20, 20, 127],
  ])("has the critical value of %i and %i samples: %i", (n, m, critical) => {
    // An a of n samples below which u of the b lie: shift one sample past u others.
    const pOf = (u: number) => {
      const b = Array.from({ length: m }, (_, i) => 10 * (i + 1));
      const a = Array.from({ length: n }, (_, i) => {
        const above = Math.min(m, Math.max(0, u - (n - 1 - i) * m));
        return 10 * above + 5 + i / 100;
      });
      const found = mannWhitney(a, b);
      expect(found.u).toBe(u);
      return found.p;
    };
    expect(pOf(critical)).toBeLessThanOrEqual(0.05);
    expect(pOf(critical + 1)).toBeGreaterThan(0.05);
  });

  it("is exact with ties, as trying all choices is", () => {
    const prng = new Prng(11);
    for (let round = 0; round < 25; round++) {
      const draw = (n: number) => Array.from({ length: n }, () => prng.below(4));
      const [a, b] = [draw(2 + prng.below(5)), draw(2 + prng.below(5))];
      expect(mannWhitney(a, b).p).toBeCloseTo(bruteForce(a, b), 10);
    }
  });

  it("ranks ties as a second library does", () => {
    const [a, b] = [
      [3, 1, 4, 1, 5, 9, 2],
      [6, 5, 3, 5, 8],
    ];
    const sum = doubledRanks(a, b)
      .slice(0, a.length)
      .reduce((total, rank) => total + rank, 0);
    expect(sum / 2).toBe(simple.wilcoxonRankSum(a, b));
  });

  it("goes over to the normal approximation without a step", () => {
    const low = Array.from({ length: 40 }, (_, i) => i * 1.7);
    const high = low.map((x) => x + 9.3);
    const exact = mannWhitney(low, high).p;
    const more = mannWhitney([...low, 30.5], high).p;
    expect(exact).toBeGreaterThan(0.01);
    expect(Math.abs(more - exact)).toBeLessThan(0.03);
  });
});

describe("Hodges-Lehmann", () => {
  it("gives Hollander and Wolfe's estimate and interval", () => {
    const { estimate, interval } = hodgesLehmann(AT_TERM, EARLIER, "shift", 0.95);
    expect(estimate).toBeCloseTo(0.305, 10);
    expect(interval![0]).toBeCloseTo(-0.15, 10);
    expect(interval![1]).toBeCloseTo(0.76, 10);
  });

  it("has an interval that leaves 1 out exactly where the test says different", () => {
    const prng = new Prng(5);
    for (let round = 0; round < 300; round++) {
      const a = Array.from({ length: 9 }, () => 100 + 10 * prng.unit());
      const b = Array.from({ length: 9 }, () => 103 + 10 * prng.unit());
      const { interval } = hodgesLehmann(a, b, "ratio", 0.95);
      const [low, high] = interval!;
      expect(low > 1 || high < 1).toBe(mannWhitney(a, b).p <= 0.05);
    }
  });

  it("has no interval at 3 a side", () => {
    expect(hodgesLehmann([1, 2, 3], [4, 5, 6], "ratio", 0.95).interval).toBeNull();
    expect(hodgesLehmann([1, 2, 3, 4], [5, 6, 7, 8], "ratio", 0.95).interval).toEqual([
      1 / 8,
      4 / 5,
    ]);
  });

  it("has the interval of one group's median from the table of the sign test", () => {
    const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
    expect(medianInterval(upTo(5), 0.95)).toBeNull();
    expect(medianInterval(upTo(6), 0.95)).toEqual([1, 6]);
    expect(medianInterval(upTo(9), 0.95)).toEqual([2, 8]);
    expect(medianInterval(upTo(20), 0.95)).toEqual([6, 15]);
  });
});

describe("the helpers", () => {
  it("adjust p as R's p.adjust does", () => {
    const adjusted = holm([0.01, 0.02, 0.03, 0.04, 0.05]);
    [0.05, 0.08, 0.09, 0.09, 0.09].forEach((p, i) => {
      expect(adjusted[i]).toBeCloseTo(p, 12);
    });
    expect(holm([0.9, 0.001, 0.5])).toEqual([1, 0.003, 1]);
    expect(holm([])).toEqual([]);
  });

  it("know the normal distribution", () => {
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 9);
    expect(normalCdf(-4)).toBeCloseTo(3.167124183e-5, 12);
    expect(normalCdf(3.0001)).toBeCloseTo(normalCdf(2.9999), 5);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 8);
    for (const z of [-2.3, -0.7, 0, 0.4, 1.9]) {
      expect(normalCdf(z)).toBeCloseTo(simple.cumulativeStdNormalProbability(z), 3);
    }
  });

  it("agree with a second library on medians, spread, quantiles and geometric means", () => {
    const samples = [9.1, 3.3, 7.7, 4.2, 8.8, 4.1, 6.6, 5.2, 90, 4.9];
    expect(median(samples)).toBeCloseTo(simple.median(samples), 12);
    const mad = simple.medianAbsoluteDeviation(samples);
    expect(relativeNoise(samples)).toBeCloseTo((1.4826 * mad) / simple.median(samples), 12);
    expect(geometricMean(samples)).toBeCloseTo(simple.geometricMean(samples), 12);
    expect(geometricMean([1, 0])).toBeNull();
    const sorted = [...samples].sort((a, b) => a - b);
    expect(quantile(sorted, 0.5)).toBeCloseTo(simple.quantile(samples, 0.5), 12);
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  });

  it("resample by seed", () => {
    const prng = new Prng(3);
    const a = Array.from({ length: 40 }, () => 120 + 8 * prng.unit());
    const b = Array.from({ length: 40 }, () => 100 + 8 * prng.unit());
    expect(bootstrapRatio(a, b, 0.95, 7)).toEqual(bootstrapRatio(a, b, 0.95, 7));
    expect(bootstrapRatio(a, b, 0.95, 7)).not.toEqual(bootstrapRatio(a, b, 0.95, 8));
    const [low, high] = bootstrapRatio(a, b, 0.95, 7);
    expect(low).toBeLessThan(median(a) / median(b));
    expect(high).toBeGreaterThan(median(a) / median(b));
  });

  it("say how many repetitions a verdict needs", () => {
    expect([1, 2, 5, 20].map((tests) => neededRepetitions(0.05, tests))).toEqual([4, 5, 5, 6]);
    const plan = { repetitions: 3, tests: 1, alpha: 0.05 };
    expect(detectableShift(0.03, plan)).toBeNull();
    expect(detectableShift(0.03, { ...plan, repetitions: 31 })).toBeCloseTo(0.0226, 3);
  });
});
