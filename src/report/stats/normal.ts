/**
 * Probability that a standard normal variable is at most `z`; absolute error below 1e-9.
 *
 * Near the middle by the series of the error function, in the tails by the continued fraction of
 * the Mills ratio (Abramowitz and Stegun 26.2.11 and 26.2.14).
 */
export function normalCdf(z: number): number {
  const x = Math.abs(z);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let upper: number;
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 60; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    upper = 0.5 - density * sum;
  } else {
    let fraction = x;
    for (let k = 60; k >= 1; k--) fraction = x + k / fraction;
    upper = density / fraction;
  }
  return z < 0 ? upper : 1 - upper;
}

/** The value that a standard normal variable stays below with probability `p`, 0 < p < 1. */
export function normalQuantile(p: number): number {
  let low = -40;
  let high = 40;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
