import { playRow, type RowOutcome } from "../../engine/fault/catalogue/catalogue.js";
import type { Finding } from "../../engine/fault/catalogue/finding.js";
import { KERNEL_PROFILES } from "../../engine/kernel/profile.js";
import { EXIT } from "../error.js";
import type { FaultDocument, FaultFinding, FaultRow } from "../record/fault-schema.js";
import { FAULT_SCHEMA } from "../record/names.js";
import { build } from "../run/build-info.js";
import { scenariosOf } from "./catalogue.js";
import { exploredAsExpected, exploreRow, type TodayByPair } from "./explored.js";
import { stagedFrames } from "./staged-frames.js";

/** Today's rules. */
const TODAY = "7.3";

/** What `fault run` comes to. */
export interface FaultResult {
  readonly document: FaultDocument;
  /** 0 when each row is clean, detected or excepted, and explored as expected; else 7. */
  readonly exitCode: number;
}

/**
 * Plays rows of the fault catalogue, each under today's rules and with its historic bug put back.
 * Rows that take traffic are staged on `capture`, where one is given and it shows the bug; else on
 * traffic of their own. Rows that are races are explored too, in all interleavings.
 *
 * @throws NetmemError for a row that there is not, or an unreadable capture.
 */
export async function runFaults(
  ids: readonly string[],
  capture: string | null,
  signal: AbortSignal,
): Promise<FaultResult> {
  const scenarios = scenariosOf(ids);
  const frames = capture === null ? null : await stagedFrames(capture);
  const faults: FaultRow[] = [];
  const today: TodayByPair = new Map();
  for (const scenario of scenarios) {
    if (signal.aborted) break;
    const own = frames === null || scenario.on !== "capture";
    const outcome = playRow(scenario, KERNEL_PROFILES[TODAY]!, own ? null : frames);
    const shown = outcome.clean !== null || outcome.detected !== null;
    const row =
      own || shown
        ? rowOf(outcome, own ? "own" : "capture")
        : rowOf(playRow(scenario, KERNEL_PROFILES[TODAY]!, null), "own");
    faults.push({ ...row, explored: exploreRow(scenario.id, today) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const failed = faults.some(({ clean, detected, exception, explored }) => {
    return !clean || (!detected && exception === null) || !exploredAsExpected(explored);
  });
  const document: FaultDocument = {
    schema: FAULT_SCHEMA,
    netmem: build(),
    kernel: TODAY,
    capture: capture === null ? null : { path: capture, packets: frames!.length },
    interrupted: signal.aborted,
    faults,
  };
  return { document, exitCode: failed ? EXIT.violated : EXIT.done };
}

function rowOf(
  { scenario, clean, detected }: RowOutcome,
  traffic: "own" | "capture",
): Omit<FaultRow, "explored"> {
  return {
    id: scenario.id,
    title: scenario.title,
    clean: clean === null,
    detected: detected !== null,
    exception: scenario.exception ?? null,
    on: scenario.on === "capture" && traffic === "own" ? "path" : scenario.on,
    dirt: findingRow(clean),
    finding: findingRow(detected),
  };
}

function findingRow(finding: Finding | null): FaultFinding | null {
  if (finding === null) return null;
  const { kind, message, owner, transition, netmem, history } = finding;
  return {
    kind,
    message,
    owner,
    transition,
    netmem: netmem < 0 ? null : netmem,
    history: [...history],
  };
}
