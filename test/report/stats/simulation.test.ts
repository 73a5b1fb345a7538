import { describe, expect, it } from "vitest";
import { bootstrapRatio } from "../../../src/report/stats/bootstrap.js";
import { hodgesLehmann } from "../../../src/report/stats/hodges-lehmann.js";
import { holm } from "../../../src/report/stats/holm.js";
import { mannWhitney } from "../../../src/report/stats/mann-whitney.js";
import { detectableShift } from "../../../src/report/stats/power.js";
import { Prng } from "../../../src/report/stats/prng.js";
import { noisyVerdict } from "../../../src/report/stats/verdict.js";

/** Normal noise around `middle`, as a share of it (Box and Muller). */
function noisy(prng: Prng, middle: number, share: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - prng.unit()));
    return middle * (1 + share * radius * Math.cos(2 * Math.PI * prng.unit()));
  });
}

interface Plan {
  readonly seed: number;
  readonly repetitions: number;
  readonly shift: number;
  readonly minEffect: number;
  readonly metrics: number;
  readonly pairs?: number;
}

/** Verdicts on the first of `metrics` metrics, whose others do not move, over many pairs. */
function verdicts({ seed, repetitions, shift, minEffect, metrics, pairs = 1000 }: Plan) {
  const prng = new Prng(seed);
  const counts = { higher: 0, lower: 0, unchanged: 0, inconclusive: 0 };
  for (let pair = 0; pair < pairs; pair++) {
    const sides = Array.from({ length: metrics }, (_, metric) => ({
      base: noisy(prng, 100, 0.03, repetitions),
      head: noisy(prng, metric === 0 ? 100 * (1 + shift) : 100, 0.03, repetitions),
    }));
    const adjusted = holm(sides.map(({ base, head }) => mannWhitney(head, base).p));
    const { base, head } = sides[0]!;
    const { interval } = hodgesLehmann(head, base, "ratio", 0.95);
    counts[noisyVerdict({ interval, shiftInterval: null }, adjusted[0]!, minEffect)]++;
  }
  return counts;
}

const SAME = { shift: 0, minEffect: 0, metrics: 1 };

describe("on pairs with 3 % noise", () => {
  it("of one distribution, at most 5 % of 1,000 are called different", () => {
    const { higher, lower } = verdicts({ ...SAME, seed: 1, repetitions: 9 });
    expect(higher + lower).toBeLessThanOrEqual(50);
    expect(higher + lower).toBeGreaterThan(10);
  });

  it("and of many, at 31 repetitions, where the test attains its level, no more either", () => {
    const pairs = 10_000;
    const { higher, lower } = verdicts({ ...SAME, seed: 1, repetitions: 31, pairs });
    // Two standard errors of the simulation itself above 5 %.
    expect((higher + lower) / pairs).toBeLessThanOrEqual(0.0544);
  });

  it("of one distribution, any of five metrics is called different in at most 5 %", () => {
    const prng = new Prng(2);
    let alarms = 0;
    for (let pair = 0; pair < 1000; pair++) {
      const sides = Array.from({ length: 5 }, () => [
        noisy(prng, 100, 0.03, 9),
        noisy(prng, 100, 0.03, 9),
      ]);
      if (Math.min(...holm(sides.map(([a, b]) => mannWhitney(a!, b!).p))) < 0.05) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(50);
  });

  it("a 5 % shift is found in at least 85 % at 9 repetitions without a minimum effect", () => {
    const pairs = 10_000;
    const { higher, lower } = verdicts({ ...SAME, seed: 3, repetitions: 9, shift: 0.05, pairs });
    expect(higher / pairs).toBeGreaterThanOrEqual(0.85);
    expect(lower).toBe(0);
  });

  it("and at 31 with Holm over five metrics and a minimum effect of 2 %", () => {
    const plan = { seed: 4, repetitions: 31, shift: 0.05, minEffect: 0.02, metrics: 5 };
    const { higher, unchanged } = verdicts(plan);
    expect(higher).toBeGreaterThanOrEqual(850);
    expect(unchanged).toBe(0);
  });

  it("a 5 % shift is never unchanged at 9 repetitions with a minimum effect of 2 %", () => {
    const plan = { seed: 5, repetitions: 9, shift: 0.05, minEffect: 0.02, metrics: 1 };
    const { unchanged, inconclusive } = verdicts(plan);
    expect(unchanged).toBe(0);
    expect(inconclusive).toBeGreaterThan(100);
  });

  it("a 15 % shift is found nearly always at 9 repetitions with a minimum effect of 2 %", () => {
    const plan = { seed: 6, repetitions: 9, shift: 0.15, minEffect: 0.02, metrics: 5 };
    expect(verdicts(plan).higher).toBeGreaterThanOrEqual(990);
  });

  it("the power that is printed is the power that is had", () => {
    const plan = { repetitions: 9, tests: 1, alpha: 0.05 };
    const shift = detectableShift(0.03, plan)!;
    const { higher } = verdicts({ ...SAME, seed: 7, repetitions: 9, shift });
    expect(higher).toBeGreaterThan(740);
    expect(higher).toBeLessThan(880);
  });

  it("the bootstrap interval holds the truth in about 95 %", () => {
    const prng = new Prng(8);
    let held = 0;
    for (let pair = 0; pair < 200; pair++) {
      const [low, high] = bootstrapRatio(
        noisy(prng, 105, 0.03, 31),
        noisy(prng, 100, 0.03, 31),
        0.95,
        pair,
      );
      if (low <= 1.05 && high >= 1.05) held++;
    }
    expect(held).toBeGreaterThan(180);
  });
});
