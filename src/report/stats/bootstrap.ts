import type { Interval } from "./hodges-lehmann.js";
import { Prng } from "./prng.js";

const RESAMPLES = 2000;

/**
 * Percentile bootstrap interval of median(a) / median(b), groups resampled each on its own.
 *
 * @param seed of the resampling: same samples and seed, same interval.
 */
export function bootstrapRatio(
  a: readonly number[],
  b: readonly number[],
  confidence: number,
  seed: number,
): Interval {
  const prng = new Prng(seed);
  const drawnA = new Float64Array(a.length);
  const drawnB = new Float64Array(b.length);
  const ratios = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i++) {
    ratios[i] = resampledMedian(a, drawnA, prng) / resampledMedian(b, drawnB, prng);
  }
  ratios.sort();
  const tail = (1 - confidence) / 2;
  return [quantile(ratios, tail), quantile(ratios, 1 - tail)];
}

function resampledMedian(samples: readonly number[], drawn: Float64Array, prng: Prng): number {
  for (let i = 0; i < drawn.length; i++) drawn[i] = samples[prng.below(samples.length)]!;
  drawn.sort();
  const half = drawn.length >> 1;
  return drawn.length % 2 === 1 ? drawn[half]! : (drawn[half - 1]! + drawn[half]!) / 2;
}

/** Quantile of sorted values, between two of them by their distance (R's type 7). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
