import type { Blame } from "./finding.js";
import type { Stage } from "./stage.js";

/** What a row is staged on. */
export type StagedOn =
  /** A whole receive path with traffic; a capture may be given for it. */
  | "capture"
  /** A whole receive path with traffic of its own, of a shape that the row needs. */
  | "path"
  /** The kernel's functions on pools, providers and skbs alone. */
  | "parts";

/** A row of the fault catalogue. */
export interface Scenario {
  /** `F1` to `F40`. */
  readonly id: string;
  readonly title: string;
  /** Commit, CVE, thread, or what else it is known from. */
  readonly source: string;
  readonly invariant: string;
  readonly on: StagedOn;
  /** How it is staged. */
  readonly staged: string;
  /** What is promised under today's rules, beside no leak and no broken invariant. */
  readonly promised: string;
  /** What `--regress` puts back; for what is no kernel bug, the model that breaks the rule. */
  readonly broken: string;
  /** Whose doing it is where no netmem tells. */
  readonly blame: Blame;
  /** The reason for which a row cannot be detected, and what stands in for it. */
  readonly exception?: string;
  /** Plays the row; the same whether the bug is in or not. */
  run(stage: Stage): void;
}
