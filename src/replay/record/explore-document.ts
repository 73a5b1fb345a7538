/** Name of the document that `netmem explore --json` prints. */
export const EXPLORE_SCHEMA = "netmem.explore/1";

/** One step of a schedule: who, in which kernel function, at which yield point. */
export interface ExploreStep {
  readonly actor: string;
  readonly kernel: string;
  readonly point: string;
}

/** A broken rule and the schedule that leads there. */
export interface ExploreFailure {
  /** Number in the list of invariants, or a short name. */
  readonly invariant: number | string;
  readonly text: string;
  /** The record's owner that is left with the netmem, or `none`. */
  readonly owner: string;
  readonly transition: string;
  readonly size: number;
  /** Actor names in the order of their steps. */
  readonly schedule: readonly string[];
  readonly steps: readonly ExploreStep[];
  readonly shortest: boolean;
  /** The command line that replays it. */
  readonly replay: string;
}

/** The exploration of one pair under one set of rules. */
export interface Exploration {
  readonly pair: string;
  readonly title: string;
  /** The rule put back, empty for today's rules. */
  readonly regress: string;
  readonly actors: ReadonlyArray<{ name: string; kernel: string; points: number }>;
  /** Netmems or rounds of the largest model explored exhaustively. */
  readonly size: number;
  readonly states: number;
  readonly transitions: number;
  /** Complete interleavings that the states make up: a whole number, or text from 2^53 on. */
  readonly covered: number | string;
  readonly complete: boolean;
  readonly random: { readonly schedules: number; readonly steps: number; readonly size: number };
  readonly failure: ExploreFailure | null;
  /** Today's rules survived, or the rule put back was found. */
  readonly asExpected: boolean;
}

/** What `netmem explore` answers with; all but `host` is the same for the same plan and seed. */
export interface ExploreDocument {
  readonly schema: typeof EXPLORE_SCHEMA;
  readonly reproduce: string;
  readonly plan: {
    readonly pairs: readonly string[];
    /** Rows of the fault catalogue that were named, each explored with and without its bug. */
    readonly rows: readonly string[];
    readonly regress: readonly string[];
    readonly size: number;
    readonly bound: number;
    readonly random: number;
    readonly seed: number;
  };
  readonly explorations: readonly Exploration[];
  readonly summary: {
    readonly explored: number;
    readonly asExpected: number;
    readonly states: number;
    /** Random schedules run whole, beside those that the states cover. */
    readonly schedulesRun: number;
    readonly interrupted: boolean;
  };
  readonly host: {
    readonly elapsedNs: number;
    /** Whole schedules a minute on one core, over the random ones; null if none was run. */
    readonly schedulesPerMinute: number | null;
  };
}

/** What `netmem explore PAIR --schedule ...` answers with. */
export interface ScheduleDocument {
  readonly schema: typeof EXPLORE_SCHEMA;
  readonly reproduce: string;
  readonly pair: string;
  readonly regress: string;
  readonly size: number;
  readonly steps: readonly ExploreStep[];
  /** False if actors have steps left behind the schedule. */
  readonly complete: boolean;
  readonly failure: ExploreFailure | null;
}
