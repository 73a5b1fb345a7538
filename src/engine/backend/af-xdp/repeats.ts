import { LogLinearHistogram } from "../../probe/histogram.js";
import { StageProbe } from "../../probe/stages.js";

/**
 * A histogram that counts several equal times in a row at once: what one poll takes up was stamped
 * together, so that most frames of it have the time of the frame before.
 */
export class RepeatedHistogram extends LogLinearHistogram {
  #ns = Number.NaN;
  #times = 0;

  override record(latencyNs: number, times: number): void {
    if (latencyNs === this.#ns) {
      this.#times += times;
      return;
    }
    this.settle();
    this.#ns = latencyNs;
    this.#times = times;
  }

  /** Everything that was recorded is in the counts. */
  settle(): void {
    if (this.#times > 0) super.record(this.#ns, this.#times);
    this.#times = 0;
  }
}

/** The latency stages of frames that come in batches. */
export class RepeatedStages extends StageProbe {
  override readonly driver = new RepeatedHistogram();
  override readonly stack = new RepeatedHistogram();
  override readonly app = new RepeatedHistogram();
  override readonly hold = new RepeatedHistogram();
  override readonly pool = new RepeatedHistogram();
  override readonly deliver = new RepeatedHistogram();
  override readonly lifetime = new RepeatedHistogram();

  /** Everything that was recorded is in the counts. */
  settle(): void {
    this.driver.settle();
    this.stack.settle();
    this.app.settle();
    this.hold.settle();
    this.pool.settle();
    this.deliver.settle();
    this.lifetime.settle();
  }
}
