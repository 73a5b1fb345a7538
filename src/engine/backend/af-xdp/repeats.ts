import type { LogLinearHistogram } from "../../probe/histogram.js";

/**
 * Counts a time into a histogram, several equal ones at once: what one poll takes up was stamped
 * together, so that most frames of it have the time of the frame before.
 */
export class Repeats {
  readonly #histogram: LogLinearHistogram;
  #ns = Number.NaN;
  #times = 0;

  constructor(histogram: LogLinearHistogram) {
    this.#histogram = histogram;
  }

  add(ns: number): void {
    if (ns === this.#ns) {
      this.#times++;
      return;
    }
    this.flush();
    this.#ns = ns;
    this.#times = 1;
  }

  /** Everything that was added is in the histogram. */
  flush(): void {
    if (this.#times > 0) this.#histogram.record(this.#ns, this.#times);
    this.#times = 0;
  }
}
