import type { CounterStep } from "../../engine/backend/backend.js";
import type { CaptureFacts } from "../capture/reader.js";
import type { ErrorCode } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { RecordConfig, RunRecord } from "../record/schema.js";
import type { RealIntervalRecord } from "../record/series-schema.js";
import type { Progress } from "./contract.js";
import type { Findings } from "./run-replay.js";

/** How closely a run is watched. */
export interface Look {
  /** Packets between two looks at the sockets at most; 0 leaves it to the backend. */
  readonly readEvery: number;
  /** TCP counters whose changes are noted packet by packet. */
  readonly traced: readonly string[];
}

/** As fast as it goes. */
export const NO_LOOK: Look = { readEvery: 0, traced: [] };

/** What the child process of a native run is asked to do. */
export interface NativeTask {
  readonly kind: "replay";
  readonly config: ReplayConfig;
  readonly backend: string;
  /** A regular file. */
  readonly path: string;
  readonly look: Look;
  /** Inode of the network namespace that the child must leave. */
  readonly hostNamespace: number;
}

/** What a native run came to. */
export interface NativeOutcome {
  readonly run: RunRecord;
  readonly facts: CaptureFacts;
  readonly found: Findings;
  readonly rcvbufBytes: RecordConfig["rcvbufBytes"];
  readonly trace: readonly CounterStep[];
  /** With `--interval`: how many there were; the run holds the first of them. */
  readonly intervals: number;
  /** Passes delivered different bytes. */
  readonly mismatched: boolean;
}

/** From the parent to the child; `stop` ends the run after the batch in hand. */
export type ToChild = NativeTask | { readonly kind: "stop" };

/** From the child to the parent; the last one is `done` or `failed`. */
export type FromChild =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "interval"; readonly provider: string; readonly interval: RealIntervalRecord }
  | { readonly kind: "done"; readonly outcome: NativeOutcome }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly suggestion: string;
    };
