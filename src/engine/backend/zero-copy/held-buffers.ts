import { LogLinearHistogram } from "../../probe/histogram.js";
import { kernelNowNs } from "../clock.js";

/**
 * What an application holds on to before it gives it back: pieces in the order in which they were
 * read, each with the time at which it may go (`--hold`).
 *
 *      [offset, length, due][offset, length, due] ...   oldest first
 */
export class HeldBuffers {
  /** How long each piece was held. */
  readonly times: LogLinearHistogram;
  readonly #holdNs: number;
  readonly #giveBack: (offset: number, len: number) => void;
  #queue: number[] = [];

  /** @param book whose times to write into, where several share one book. */
  constructor(holdNs: number, giveBack: (offset: number, len: number) => void, book?: HeldBuffers) {
    this.times = book?.times ?? new LogLinearHistogram();
    this.#holdNs = holdNs;
    this.#giveBack = giveBack;
  }

  /** Pieces that are held. */
  get count(): number {
    return this.#queue.length / 3;
  }

  add(offset: number, len: number): void {
    this.#queue.push(offset, len, kernelNowNs());
    if (this.#holdNs === 0) this.releaseAll();
  }

  /** Gives back what was held long enough. */
  release(): void {
    if (this.#queue.length > 0) this.#giveUntil(kernelNowNs() - this.#holdNs);
  }

  /** Gives everything back. */
  releaseAll(): void {
    this.#giveUntil(Number.POSITIVE_INFINITY);
  }

  /** Forgets everything: the kernel took it back by itself. */
  forget(): void {
    this.#queue.length = 0;
  }

  #giveUntil(readBeforeNs: number): void {
    let at = 0;
    const nowNs = kernelNowNs();
    while (at < this.#queue.length && this.#queue[at + 2]! <= readBeforeNs) {
      this.#giveBack(this.#queue[at]!, this.#queue[at + 1]!);
      this.times.record(Math.max(0, Math.round(nowNs - this.#queue[at + 2]!)), 1);
      at += 3;
    }
    if (at === this.#queue.length) this.#queue.length = 0;
    else if (at > 0) this.#queue = this.#queue.slice(at);
  }
}
