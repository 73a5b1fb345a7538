import { bootstrapRatio } from "./bootstrap.js";
import { hodgesLehmann, type Interval } from "./hodges-lehmann.js";
import { mannWhitney } from "./mann-whitney.js";
import { median } from "./summary.js";

/** Two-sided error of one comparison. */
export const ALPHA = 0.05;

/** What the samples of two sides say about each other; ratios are head / base. */
export interface SampleComparison {
  readonly ratio: number | null;
  /** Of the Hodges-Lehmann ratio; null where the samples are too few for 95 %. */
  readonly interval: Interval | null;
  /** Of the ratio of medians, by resampling; null with fewer than two samples a side. */
  readonly bootstrap: Interval | null;
  /** Hodges-Lehmann shift head - base, in the samples' unit, and its interval. */
  readonly shift: number;
  readonly shiftInterval: Interval | null;
  readonly p: number;
}

/** Compares two sides' samples, one sample a repetition, all above 0 where ratios are wanted. */
export function compareSamples(
  base: readonly number[],
  head: readonly number[],
  seed: number,
): SampleComparison {
  const positive = base.every((value) => value > 0) && head.every((value) => value > 0);
  const shift = hodgesLehmann(head, base, "shift", 1 - ALPHA);
  const enough = positive && base.length > 1 && head.length > 1;
  return {
    ratio: positive ? median(head) / median(base) : null,
    interval: positive ? hodgesLehmann(head, base, "ratio", 1 - ALPHA).interval : null,
    bootstrap: enough ? bootstrapRatio(head, base, 1 - ALPHA, seed) : null,
    shift: shift.estimate,
    shiftInterval: shift.interval,
    p: mannWhitney(head, base).p,
  };
}

/** What a noisy metric's comparison comes to. */
export type NoisyVerdict = "higher" | "lower" | "unchanged" | "inconclusive";

/**
 * The verdict of a noisy metric: higher or lower where Holm's p is below 5 % and the whole
 * interval lies beyond the least effect that matters; unchanged where the whole interval lies
 * within it; inconclusive otherwise, also where the samples are too few for an interval. Figures
 * that can be 0 have no ratio: there any move counts.
 */
export function noisyVerdict(
  { interval, shiftInterval }: Pick<SampleComparison, "interval" | "shiftInterval">,
  pAdjusted: number,
  minEffect: number,
): NoisyVerdict {
  if (interval === null) return withoutRatio(shiftInterval, pAdjusted);
  const [low, high] = interval;
  if (pAdjusted < ALPHA && low > 1 + minEffect) return "higher";
  if (pAdjusted < ALPHA && high < 1 - minEffect) return "lower";
  return low >= 1 - minEffect && high <= 1 + minEffect ? "unchanged" : "inconclusive";
}

function withoutRatio(interval: Interval | null, pAdjusted: number): NoisyVerdict {
  if (interval === null) return "inconclusive";
  const [low, high] = interval;
  if (low === 0 && high === 0) return "unchanged";
  if (pAdjusted < ALPHA && low > 0) return "higher";
  return pAdjusted < ALPHA && high < 0 ? "lower" : "inconclusive";
}
