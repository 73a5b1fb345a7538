import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import type { Pacing } from "../plan/replay-config.js";

/** Pause between two passes of `--loop`. */
export const LOOP_GAP_NS = 1_000_000;
/**
 * 280,000 years: an arrival beyond is taken as this. A capture spans a quarter of it at most;
 * slow rates and long loops come here, and the model's latencies are counted up to ten times it.
 */
export const MAX_ARRIVAL_SECONDS = 2 ** 43;

/**
 * Turns a batch's capture timestamps into arrival times relative to the start of the run, in
 * place. Seconds and nanoseconds stay apart, so that captures of a hundred years stay exact. A
 * timestamp before its predecessor is set to that one and counted.
 *
 *      capture   1167632042.5 ...  1167632042.4  ...      arrival   0.0 ...  0.0  ...
 */
export class Schedule {
  /** Timestamps that went back. */
  clamped = 0;
  readonly #pace: Pacing;
  #first = true;
  #startSeconds = 0;
  #startNs = 0;
  /** The last arrival, and where the present pass began. */
  #lastSeconds = 0;
  #lastNs = 0;
  #passSeconds = 0;
  #passNs = 0;
  /** Fixed rates: packets and bits so far in this pass. */
  #packets = 0;
  #bits = 0;

  constructor(pace: Pacing) {
    this.#pace = pace;
  }

  /** Rewrites the batch's times. */
  apply(batch: PacketBatch): void {
    const { mode } = this.#pace;
    if (mode === "topspeed") {
      batch.seconds.fill(0, 0, batch.count);
      batch.nanoseconds.fill(0, 0, batch.count);
      return;
    }
    for (let i = 0; i < batch.count; i++) {
      if (mode === "recorded") this.#recorded(batch, i);
      else this.#fixed(batch, i);
    }
  }

  /**
   * The next batch begins the capture again; time goes on behind the last arrival, and behind
   * `busyUntil`, when the slowest receive path was done with it.
   */
  nextPass(busyUntil: { seconds: number; nanoseconds: number }): void {
    this.#first = true;
    this.#packets = 0;
    this.#bits = 0;
    const later =
      busyUntil.seconds > this.#lastSeconds ||
      (busyUntil.seconds === this.#lastSeconds && busyUntil.nanoseconds > this.#lastNs);
    this.#passSeconds = later ? busyUntil.seconds : this.#lastSeconds;
    this.#passNs = Math.ceil(later ? busyUntil.nanoseconds : this.#lastNs) + LOOP_GAP_NS;
  }

  #recorded(batch: PacketBatch, i: number): void {
    if (this.#first) {
      this.#first = false;
      this.#startSeconds = batch.seconds[i]!;
      this.#startNs = batch.nanoseconds[i]!;
    }
    let seconds = batch.seconds[i]! - this.#startSeconds;
    let ns = batch.nanoseconds[i]! - this.#startNs;
    const { multiplier } = this.#pace as { multiplier: number };
    if (multiplier !== 1) {
      // The remainder of a division is exact, so a century keeps its nanoseconds.
      const rest = seconds % multiplier;
      seconds = Math.round((seconds - rest) / multiplier);
      ns = Math.round((rest * 1e9 + ns) / multiplier);
    }
    this.#emit(batch, i, seconds, ns);
  }

  #fixed(batch: PacketBatch, i: number): void {
    const pace = this.#pace;
    const units = pace.mode === "pps" ? this.#packets++ / pace.pps : this.#bits / megabits(pace);
    this.#bits += batch.wireBytes[i]! * 8;
    const seconds = Math.floor(units);
    this.#emit(batch, i, seconds, Math.round((units - seconds) * 1e9));
  }

  /** Writes an arrival of this pass, never before the one ahead of it. */
  #emit(batch: PacketBatch, i: number, passSeconds: number, passNs: number): void {
    const total = passNs + this.#passNs;
    const carry = Math.floor(total / 1e9);
    let seconds = passSeconds + this.#passSeconds + carry;
    let ns = total - carry * 1e9;
    // So far away numbers may have become infinite, or none at all.
    if (!(seconds < MAX_ARRIVAL_SECONDS)) {
      seconds = MAX_ARRIVAL_SECONDS;
      ns = 0;
    }
    const { mode } = this.#pace;
    if (seconds < this.#lastSeconds || (seconds === this.#lastSeconds && ns < this.#lastNs)) {
      if (mode === "recorded") this.clamped++;
      seconds = this.#lastSeconds;
      ns = this.#lastNs;
    }
    this.#lastSeconds = seconds;
    this.#lastNs = ns;
    batch.seconds[i] = seconds;
    batch.nanoseconds[i] = ns;
  }
}

function megabits(pace: Pacing): number {
  return pace.mode === "mbps" ? pace.mbps * 1e6 : 1;
}
