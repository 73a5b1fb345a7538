import { LogLinearHistogram } from "./histogram.js";

/**
 * The latency stages, on the model clock:
 *
 *      arrival ---> handed up ---> readable ---> read ---> given back ---> handed out again
 *      |-- driver --|--- stack ----|--- app -----|-- hold --|---- pool -----|
 *      |---------------- deliver ----------------|
 *      handed to the driver |----------------- lifetime -----------------| back in the pool
 */
export class StageProbe {
  /** False in the benchmark's reference run only. */
  on = true;
  readonly driver = new LogLinearHistogram();
  readonly stack = new LogLinearHistogram();
  readonly app = new LogLinearHistogram();
  readonly hold = new LogLinearHistogram();
  readonly pool = new LogLinearHistogram();
  readonly deliver = new LogLinearHistogram();
  readonly lifetime = new LogLinearHistogram();
}

/** The stages' names in the order in which a packet passes them. */
export const STAGES = ["driver", "stack", "app", "hold", "pool", "deliver", "lifetime"] as const;
