import type { Prng } from "./clock/prng.js";
import type { ReceiveQueue } from "./driver/receive-queue.js";
import { LogLinearHistogram } from "./probe/histogram.js";

/** On average one NAPI poll in this many is timed on the host clock. */
const TRACE_EVERY = 16;

/** The host's clock, in nanoseconds; given from outside, since the engine has none. */
export type HostClock = () => number;

/** Polls a queue; now and then, at random, the poll is timed on the host clock. */
export class HostTrace {
  /** Host time of traced polls, and of their packets. */
  readonly poll = new LogLinearHistogram();
  readonly packet = new LogLinearHistogram();
  readonly #prng: Prng;
  readonly #clock: HostClock | null;
  #left: number;

  constructor(prng: Prng, clock: HostClock | null) {
    this.#prng = prng;
    this.#clock = clock;
    this.#left = prng.below(2 * TRACE_EVERY) + 1;
  }

  /** ReceiveQueue.poll: packets taken. */
  run(queue: ReceiveQueue): number {
    if (--this.#left > 0 || this.#clock === null) return queue.poll();
    this.#left = this.#prng.below(2 * TRACE_EVERY) + 1;
    const before = this.#clock();
    const work = queue.poll();
    const ns = Math.max(0, Math.round(this.#clock() - before));
    this.poll.record(ns, 1);
    if (work > 0) this.packet.record(Math.round(ns / work), work);
    return work;
  }
}
