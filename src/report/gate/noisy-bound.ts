import { hodgesLehmann, type Interval, medianInterval } from "../stats/hodges-lehmann.js";
import { mannWhitney } from "../stats/mann-whitney.js";
import { median } from "../stats/summary.js";
import { ALPHA } from "../stats/verdict.js";
import type { Bound } from "./bound.js";
import type { Operator } from "./threshold-grammar.js";

/** What the samples say about a bound. */
export interface NoisyTest {
  /** Chance of such samples while the bound is kept: small, and the threshold has failed. */
  readonly pKept: number;
  /** Chance of such samples while it is broken: small, and it has passed. */
  readonly pBroken: number;
  /** 95 % interval of the value; null where the samples are too few. */
  readonly interval: Interval | null;
}

/** Whether a figure keeps its bound. */
export function holds(value: number, operator: Operator, bound: number): boolean {
  if (operator === "<") return value < bound;
  if (operator === "<=") return value <= bound;
  if (operator === ">") return value > bound;
  if (operator === ">=") return value >= bound;
  return operator === "==" ? value === bound : value !== bound;
}

/**
 * Tests the samples of a noisy metric against a bound.
 *
 * Against a figure: the sign test of the median. Against a baseline: Mann-Whitney of the samples
 * and the baseline's, moved to where they would be if the bound were just met, so that both
 * sides' noise counts.
 */
export function testNoisy(
  samples: readonly number[],
  operator: Operator,
  bound: Bound,
  baseline: readonly number[] | undefined,
): NoisyTest {
  const upper = operator === "<" || operator === "<=";
  if (bound.kind === "value") {
    const above = samples.filter((value) => value > bound.value).length;
    const below = samples.filter((value) => value < bound.value).length;
    const [worse, better] = upper ? [above, below] : [below, above];
    return {
      pKept: signTail(worse, above + below),
      pBroken: signTail(better, above + below),
      interval: medianInterval(samples, 1 - ALPHA),
    };
  }
  const moved = baseline!.map((value) => value * bound.factor + bound.offset);
  const greater = mannWhitney(samples, moved, "greater").p;
  const less = mannWhitney(samples, moved, "less").p;
  const { interval } = hodgesLehmann(samples, baseline!, "ratio", 1 - ALPHA);
  const middle = median(baseline!);
  return {
    pKept: upper ? greater : less,
    pBroken: upper ? less : greater,
    interval: interval === null ? null : [interval[0] * middle, interval[1] * middle],
  };
}

/** Probability of at least `hits` heads in `n` throws. */
function signTail(hits: number, n: number): number {
  let probability = 0.5 ** n;
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    if (k >= hits) sum += probability;
    probability *= (n - k) / (k + 1);
  }
  return Math.min(1, sum);
}
