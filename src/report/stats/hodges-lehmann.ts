import { untiedDistribution } from "./mann-whitney.js";
import { normalQuantile } from "./normal.js";
import { median } from "./summary.js";

/** An interval's ends. */
export type Interval = readonly [low: number, high: number];

/** More samples than this together, and ranks come from the normal approximation. */
const EXACT_SAMPLES = 80;

/**
 * Hodges-Lehmann's estimate of how `a` stands to `b`, and the interval that goes with the
 * Mann-Whitney test: what a test at this confidence would not tell from the truth.
 *
 * @param form `shift` looks at all differences a - b, `ratio` at all a / b.
 * @returns the median of the pairs, and the interval, null where no interval of these few samples
 *   has the confidence.
 */
export function hodgesLehmann(
  a: readonly number[],
  b: readonly number[],
  form: "shift" | "ratio",
  confidence: number,
): { readonly estimate: number; readonly interval: Interval | null } {
  const pairs = new Float64Array(a.length * b.length);
  let at = 0;
  for (const x of a) {
    for (const y of b) pairs[at++] = form === "ratio" ? x / y : x - y;
  }
  pairs.sort();
  const cut = pairsBelow(a.length, b.length, (1 - confidence) / 2);
  const interval: Interval | null = cut < 1 ? null : [pairs[cut - 1]!, pairs[pairs.length - cut]!];
  return { estimate: median(pairs), interval };
}

/** The largest k with P(U <= k - 1) <= tail: the kth pair from each end bounds the interval. */
function pairsBelow(n: number, m: number, tail: number): number {
  if (n + m > EXACT_SAMPLES) {
    const deviation = Math.sqrt((n * m * (n + m + 1)) / 12);
    return Math.max(0, Math.floor((n * m) / 2 + normalQuantile(tail) * deviation));
  }
  const probabilities = untiedDistribution(n, m);
  let sum = 0;
  let k = 0;
  while (k < probabilities.length && sum + probabilities[k]! <= tail) sum += probabilities[k++]!;
  return k;
}

/**
 * Interval of the median of one group from its order statistics (sign test); null where the
 * samples are too few, which at 95 % are fewer than 6.
 */
export function medianInterval(samples: readonly number[], confidence: number): Interval | null {
  const n = samples.length;
  const sorted = Float64Array.from(samples).sort();
  const tail = (1 - confidence) / 2;
  let probability = 0.5 ** n;
  let sum = 0;
  let k = 0;
  while (k < n / 2 && sum + probability <= tail) {
    sum += probability;
    k++;
    probability *= (n - k + 1) / k;
  }
  return k < 1 ? null : [sorted[k - 1]!, sorted[n - k]!];
}
