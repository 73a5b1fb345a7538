import type { KernelProfile } from "../../kernel/profile.js";
import { withRegression } from "../../kernel/profile.js";
import { FAULT_IDS } from "../ids.js";
import { type Finding, findingOf } from "./finding.js";
import { type StagedFrame, talk } from "./frames.js";
import { DEVMEM_ROWS } from "./rows-devmem.js";
import { POOL_ROWS } from "./rows-pool.js";
import { STACK_ROWS } from "./rows-stack.js";
import { ZCRX_ROWS } from "./rows-zcrx.js";
import type { Scenario } from "./scenario.js";
import { Stage } from "./stage.js";

const BY_ID = new Map(
  [...ZCRX_ROWS, ...POOL_ROWS, ...DEVMEM_ROWS, ...STACK_ROWS].map((row) => [row.id, row]),
);

/** The catalogue, F1 to F40. */
export const CATALOGUE: readonly Scenario[] = FAULT_IDS.map((id) => BY_ID.get(id)!);

/** What a row came to: under today's rules, and with its bug put back. */
export interface RowOutcome {
  readonly scenario: Scenario;
  /** What was wrong under today's rules; null for a clean run. */
  readonly clean: Finding | null;
  /** What was found with the bug; null where nothing was. */
  readonly detected: Finding | null;
}

/** Plays a row twice, on a capture's frames where it takes any and they are given. */
export function playRow(
  scenario: Scenario,
  profile: KernelProfile,
  frames: readonly StagedFrame[] | null,
): RowOutcome {
  const traffic = frames ?? talk();
  return {
    scenario,
    clean: playOnce(scenario, withRegression(profile, ""), traffic),
    detected: playOnce(scenario, withRegression(profile, scenario.id), traffic),
  };
}

/** Plays a row under one profile: the first thing that the harness finds, or null. */
export function playOnce(
  scenario: Scenario,
  profile: KernelProfile,
  frames: readonly StagedFrame[],
): Finding | null {
  const stage = new Stage(profile, frames);
  try {
    scenario.run(stage);
    return stage.close(scenario.blame);
  } catch (error) {
    const finding = findingOf(error, stage.book, scenario.blame);
    if (finding === null) throw error;
    return finding;
  }
}
