/**
 * Model time. `nowNs` counts nanoseconds from an epoch that moves: when the clock passes
 * {@link REBASE_NS}, the epoch advances by whole seconds and every stored time moves back by the
 * same amount. Near times therefore stay exact integers far below 2^53 over captures of a hundred
 * years, and the hot path knows only doubles.
 *
 *      capture start        epochSeconds                    now
 *      |--------------------|-------------------------------|
 *                           0 ......... nowNs ..............
 */

/** The clock moves its epoch when it has run this far: 2^51 ns, about 26 days. */
export const REBASE_NS = 2 ** 51;

/** Something that stores model times and moves them when the epoch moves. */
export interface Rebased {
  /** Subtracts `deltaNs` from every stored model time. */
  rebase(deltaNs: number): void;
}

/** See the head of this file. */
export class VirtualClock {
  nowNs = 0;
  /** Nothing from outside happens before this; an actor may go on alone up to it. */
  horizonNs = 0;
  /** Whole seconds from the capture's start to the epoch. */
  epochSeconds = 0;
  readonly #rebased: Rebased[] = [];

  /** Registers a holder of model times. */
  follow(holder: Rebased): void {
    this.#rebased.push(holder);
  }

  /** A capture time (relative to its start) as model time. May lie beyond {@link REBASE_NS}. */
  toModel(seconds: number, nanoseconds: number): number {
    return (seconds - this.epochSeconds) * 1e9 + nanoseconds;
  }

  /** Moves the epoch forward by whole seconds. */
  rebase(seconds: number): void {
    const deltaNs = seconds * 1e9;
    this.epochSeconds += seconds;
    this.nowNs -= deltaNs;
    this.horizonNs -= deltaNs;
    for (const holder of this.#rebased) holder.rebase(deltaNs);
  }
}

/** Subtracts `deltaNs` from all finite times of an array; infinities stay. */
export function rebaseTimes(times: Float64Array, deltaNs: number): void {
  for (let i = 0; i < times.length; i++) times[i]! -= deltaNs;
}
