import { untiedDistribution } from "./mann-whitney.js";
import { normalQuantile } from "./normal.js";

/** Asymptotic efficiency of Mann-Whitney against the t test where the noise is normal. */
const EFFICIENCY = 3 / Math.PI;
/** Up to so many repetitions the test is exact. */
const MOST_EXACT = 40;
/** No number of repetitions beyond this is proposed. */
const MOST_REPETITIONS = 1000;

/**
 * The fewest repetitions a side with which an exact two-sided Mann-Whitney test can come below
 * `alpha` at all when Holm divides it by `tests`: 2 / C(2n, n) <= alpha / tests.
 */
export function neededRepetitions(alpha: number, tests: number): number {
  let choices = 2;
  for (let n = 1; n < MOST_REPETITIONS; n++) {
    if (2 / choices <= alpha / Math.max(1, tests)) return n;
    choices *= ((2 * n + 1) * (2 * n + 2)) / ((n + 1) * (n + 1));
  }
  return MOST_REPETITIONS;
}

/**
 * The relative shift that is found with probability `power` at these repetitions a side, at a
 * relative noise (standard deviation), when Holm is at its strictest step. It counts with the level
 * that an exact test of so few samples attains, and with Student's quantiles.
 *
 * @returns a share such as 0.05, or null where the repetitions cannot give a verdict at all.
 */
export function detectableShift(
  noise: number,
  {
    repetitions,
    tests,
    alpha,
    power = 0.8,
  }: {
    readonly repetitions: number;
    readonly tests: number;
    readonly alpha: number;
    readonly power?: number;
  },
): number | null {
  if (repetitions < neededRepetitions(alpha, tests)) return null;
  const freedom = 2 * repetitions - 2;
  const level = attainedLevel(repetitions, alpha / Math.max(1, tests));
  const t = studentQuantile(1 - level / 2, freedom) + studentQuantile(power, freedom);
  return t * noise * Math.sqrt(2 / (repetitions * EFFICIENCY));
}

/** The largest two-sided p that an exact test can have without being above `alpha`. */
function attainedLevel(repetitions: number, alpha: number): number {
  if (repetitions > MOST_EXACT) return alpha;
  let sum = 0;
  for (const probability of untiedDistribution(repetitions, repetitions)) {
    if (2 * (sum + probability) > alpha) break;
    sum += probability;
  }
  return 2 * sum;
}

/** Student's quantile from the normal one by the first terms of Cornish and Fisher's series. */
function studentQuantile(p: number, freedom: number): number {
  const z = normalQuantile(p);
  return z + (z ** 3 + z) / (4 * freedom);
}
