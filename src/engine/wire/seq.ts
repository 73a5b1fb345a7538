/**
 * Sequence numbers modulo 2^32, held as int32 (include/net/tcp.h: before, after, between). The sign
 * of the wrapped difference orders two numbers that lie less than 2^31 apart.
 */

/** `a` lies before `b`. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** `a` lies behind `b`. */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** `low` <= `seq` <= `high`. */
export function between(seq: number, low: number, high: number): boolean {
  return ((high - low) | 0) >>> 0 >= ((seq - low) | 0) >>> 0;
}

/** The later of two numbers. */
export function laterOf(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? b : a;
}

/** The earlier of two numbers. */
export function earlierOf(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? a : b;
}
