import type { ReplayConfig } from "../plan/replay-config.js";
import type { ReplayDocument } from "../record/schema.js";
import type { AnyInterval } from "../record/series-schema.js";
import type { Lanes } from "./lane.js";

/** How far a replay is; bytes are the capture's, over all captures, passes and providers. */
export interface Progress {
  readonly packets: number;
  readonly bytes: number;
  /** Null where the end is not known: standard input, gzip. */
  readonly totalBytes: number | null;
}

/** One interval of one run, told while the replay goes on. */
export interface IntervalEvent {
  readonly capture: string;
  readonly provider: string;
  readonly backend: string;
  readonly interval: AnyInterval;
}

/** What a replay tells and asks while it runs. */
export interface ReplayHooks {
  onProgress?(progress: Progress): void;
  /** The machines of a replay are built; nothing has arrived yet. */
  onLanes?(lanes: Lanes): void;
  /** With `--interval`: an interval of one provider's run has ended. */
  onInterval?(ended: IntervalEvent): void;
  /**
   * Aborted on the first interrupt: the run stops after the batch in hand and answers with a
   * document of what there is. A run must let the event loop turn now and then, or no interrupt
   * reaches it.
   */
  readonly signal: AbortSignal;
  /** Something the user should know at once; it stands in the document's warnings too. */
  warn(message: string): void;
}

/** What a replay answers with. */
export interface ReplayResult {
  readonly document: ReplayDocument;
  /** One of EXIT; 7 before 5 before 3 before 6 where several apply. */
  readonly exitCode: number;
}

/**
 * Replays captures: what a command calls. One path gives a record, several a suite.
 *
 * @throws NetmemError when there is nothing to put into a document, such as an unreadable capture.
 */
export type RunReplay = (
  config: ReplayConfig,
  paths: readonly string[],
  hooks: ReplayHooks,
) => Promise<ReplayResult>;
