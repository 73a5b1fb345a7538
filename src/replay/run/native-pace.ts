import { LogLinearHistogram } from "../../engine/probe/histogram.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { hostNowNs } from "../measure/timer.js";

/** Waits longer than this are slept through in the event loop, so that a stop is heard. */
const SLEEP_NS = 3e6;
/** What a timer of the event loop may come late. */
const TIMER_NS = 1.5e6;
/** The event loop turns, and a stop is heard, at least this often. */
const TURN_NS = 50e6;
const LONGEST_SLEEP_MS = 100;

/**
 * Hands packets over at their times on the real clock. The schedule is absolute: a packet that is
 * late does not make the next ones late.
 *
 *      start + arrival of packet i   <= now: with the batch in hand;  else: wait
 */
export class Pace {
  /** How far behind its time each packet was handed over. */
  readonly lag = new LogLinearHistogram();
  readonly #slice = new PacketBatch();
  #startNs = -1;
  #turnNs = hostNowNs();

  /** Gives `batch`, whose times are arrivals, to `take` in the pieces in which it is due. */
  async deliver(
    batch: PacketBatch,
    stop: AbortSignal,
    take: (piece: PacketBatch) => void,
  ): Promise<void> {
    if (this.#startNs < 0) this.#startNs = hostNowNs();
    for (let from = 0; from < batch.count; ) {
      await this.#until(this.#startNs + dueNs(batch, from), stop);
      if (stop.aborted) return;
      const now = hostNowNs() - this.#startNs;
      let to = from;
      while (to < batch.count && dueNs(batch, to) <= now) {
        this.lag.record(Math.round(now - dueNs(batch, to)), 1);
        to++;
      }
      take(this.#piece(batch, from, to));
      from = to;
    }
  }

  async #until(atNs: number, stop: AbortSignal): Promise<void> {
    for (;;) {
      const left = atNs - hostNowNs();
      if (stop.aborted) return;
      if (left > SLEEP_NS) {
        const ms = Math.min((left - TIMER_NS) / 1e6, LONGEST_SLEEP_MS);
        await new Promise((resolve) => setTimeout(resolve, ms));
        this.#turnNs = hostNowNs();
      } else if (hostNowNs() - this.#turnNs > TURN_NS) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#turnNs = hostNowNs();
      } else if (left <= 0) return;
    }
  }

  #piece(batch: PacketBatch, from: number, to: number): PacketBatch {
    if (from === 0 && to === batch.count) return batch;
    const slice = this.#slice;
    slice.count = to - from;
    slice.offset.set(batch.offset.subarray(from, to));
    slice.capturedBytes.set(batch.capturedBytes.subarray(from, to));
    slice.wireBytes.set(batch.wireBytes.subarray(from, to));
    slice.seconds.set(batch.seconds.subarray(from, to));
    slice.nanoseconds.set(batch.nanoseconds.subarray(from, to));
    slice.linkType.set(batch.linkType.subarray(from, to));
    return slice;
  }
}

function dueNs(batch: PacketBatch, i: number): number {
  return batch.seconds[i]! * 1e9 + batch.nanoseconds[i]!;
}
