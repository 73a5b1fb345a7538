const [startSeconds] = process.hrtime();

/**
 * CLOCK_MONOTONIC in nanoseconds from the start of the process: the kernel's own clock, exact for
 * as long as a process lives.
 */
export function kernelNowNs(): number {
  const now = process.hrtime();
  return (now[0] - startSeconds) * 1e9 + now[1];
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps, without turning the event loop. */
export function sleepNs(ns: number): void {
  Atomics.wait(pause, 0, 0, ns / 1e6);
}
