import type { Progress } from "../../replay/run/contract.js";
import { progressText } from "../../report/progress.js";

/** At most one update in this time. */
const UPDATE_MS = 100;
const CLEAR_LINE = "\r\u001b[K";

/**
 * One line on standard error that is rewritten in place; nothing at all where standard error is
 * no terminal that can do so, or under CI.
 */
export class ProgressLine {
  readonly #enabled: boolean;
  readonly #startMs = performance.now();
  #shownMs = 0;

  constructor(wanted: boolean) {
    const { CI, TERM } = process.env;
    this.#enabled = wanted && process.stderr.isTTY === true && !CI && TERM !== "dumb";
  }

  show(progress: Progress): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#shownMs < UPDATE_MS) return;
    this.#shownMs = now;
    process.stderr.write(`${CLEAR_LINE}${progressText(progress, now - this.#startMs)}`);
  }

  /** Shows a line at once, whenever the last one was. */
  text(line: string): void {
    if (!this.#enabled) return;
    this.#shownMs = performance.now();
    process.stderr.write(`${CLEAR_LINE}${line}`);
  }

  /** Takes the line away, before anything else is printed. */
  clear(): void {
    if (this.#enabled && this.#shownMs > 0) process.stderr.write(CLEAR_LINE);
  }
}
