/** Middle of the sorted samples, the mean of the middle two of an even number. */
export function median(samples: ArrayLike<number>): number {
  const sorted = Float64Array.from(samples).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Arithmetic mean. */
export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, value) => sum + value, 0) / samples.length;
}

/**
 * Spread of the samples as a share of their median: 1.4826 times the median absolute deviation,
 * which is the standard deviation where they are normal, and not moved by a few outliers.
 */
export function relativeNoise(samples: readonly number[]): number {
  const middle = median(samples);
  return (1.4826 * median(samples.map((value) => Math.abs(value - middle)))) / middle;
}

/** Geometric mean of ratios; null without any, or where one is not above 0. */
export function geometricMean(ratios: readonly number[]): number | null {
  if (ratios.length === 0 || ratios.some((ratio) => !(ratio > 0))) return null;
  return Math.exp(mean(ratios.map(Math.log)));
}
