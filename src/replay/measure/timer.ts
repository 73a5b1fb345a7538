import { performance } from "node:perf_hooks";

const CALIBRATION_PAIRS = 2001;

/** The host clock in nanoseconds, from an arbitrary start. */
export function hostNowNs(): number {
  return performance.now() * 1e6;
}

let overheadNs: number | undefined;

/**
 * Median time between two readings of the host clock in a row: what a measurement costs. Measured
 * once a process.
 */
export function timerOverheadNs(): number {
  overheadNs ??= calibrate();
  return overheadNs;
}

function calibrate(): number {
  const gaps = new Float64Array(CALIBRATION_PAIRS);
  for (let i = 0; i < CALIBRATION_PAIRS; i++) {
    const before = hostNowNs();
    gaps[i] = hostNowNs() - before;
  }
  gaps.sort();
  return Math.round(gaps[CALIBRATION_PAIRS >> 1]!);
}
