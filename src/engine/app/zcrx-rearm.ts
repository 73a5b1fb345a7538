import { rebaseTimes, type VirtualClock } from "../clock/virtual-clock.js";
import type { ReaderThreads } from "./reader-threads.js";
import { SocketRing } from "./socket-ring.js";

/** First wait of a request that ended, doubled each time up to 64 times, and tries in a row. */
const RETRY_NS = 1e6;
const MAX_DOUBLINGS = 6;
const MAX_TRIES = 16;

/**
 * RECV_ZC requests that ended with -ENOMEM, by thread, and when to arm them again: after the next
 * give-back or successful copy of the thread, else after a wait that grows. After 16 waits in a row
 * without progress the thread no longer polls; data or a give-back starts it again.
 */
export class ZcrxRearm {
  /** Requests that ended, and requests armed again. */
  ended = 0;
  rearmed = 0;
  /** When each thread arms its requests again, Infinity for not at all. */
  readonly retryNs: Float64Array;
  readonly #paused: SocketRing[];
  readonly #tries: Int32Array;
  readonly #clock: VirtualClock;

  constructor(threads: number, clock: VirtualClock) {
    this.#clock = clock;
    this.#paused = Array.from({ length: threads }, () => new SocketRing());
    this.retryNs = new Float64Array(threads).fill(Number.POSITIVE_INFINITY);
    this.#tries = new Int32Array(threads);
  }

  /** The request of a socket ended. */
  end(thread: number, sock: number): void {
    this.ended++;
    this.#paused[thread]!.push(sock);
    const tries = this.#tries[thread]!++;
    const waitNs = RETRY_NS * 2 ** Math.min(tries, MAX_DOUBLINGS);
    this.retryNs[thread] =
      tries < MAX_TRIES ? this.#clock.nowNs + waitNs : Number.POSITIVE_INFINITY;
  }

  /** Memory moved: requests that wait are armed again at once. */
  progress(thread: number): void {
    this.#tries[thread] = 0;
    if (this.#paused[thread]!.count > 0) this.retryNs[thread] = this.#clock.nowNs;
  }

  /** Arms all requests of a thread again: their sockets are to be read. */
  arm(thread: number, threads: ReaderThreads): void {
    const paused = this.#paused[thread]!;
    this.retryNs[thread] = Number.POSITIVE_INFINITY;
    while (paused.count > 0) {
      this.rearmed++;
      threads.again(thread, paused.shift());
    }
  }

  /** Forgets all requests that wait. */
  clear(): void {
    this.retryNs.fill(Number.POSITIVE_INFINITY);
    this.#tries.fill(0);
    for (const paused of this.#paused) paused.clear();
  }

  /** Moves the times when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    rebaseTimes(this.retryNs, deltaNs);
  }
}
