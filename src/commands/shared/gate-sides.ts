import { loadRecords, type SideKind } from "../../replay/compare/sides.js";
import { commandSubject, replaySubject } from "../../replay/compare/subjects.js";
import type { Subject, Trial, TrialPlan } from "../../replay/compare/trials.js";
import { COUNTED_NAMES } from "../../replay/plan/counted-names.js";
import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import { type ConfigSources, resolveConfig } from "../../replay/plan/resolve.js";
import type { TrialSettings } from "../../replay/plan/trial-plan.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import type { ReplayHooks } from "../../replay/run/contract.js";
import { exitCodeOf } from "../../replay/run/replay-each.js";
import { capturePaths } from "../../replay/suite/shard.js";
import type { GivenBaseline } from "../../report/gate/build-gate.js";
import { asksForHostTime, parseThresholds } from "../../report/gate/build-gate.js";
import type { Threshold } from "../../report/gate/threshold-grammar.js";
import { gateFile, givenThresholds, savedBaseline, usage } from "./gate-given.js";
import { gravest } from "./trial-run.js";

/** Repetitions where host time is asked for and nothing is said. */
const REPETITIONS = 9;

/** What a gate holds against what. */
export interface GateSides {
  readonly config: ReplayConfig;
  readonly source: string;
  readonly thresholds: readonly Threshold[];
  readonly inconclusive: "pass" | "fail";
  readonly plan: TrialPlan;
  readonly labels: readonly string[];
  /** What the replays of records on disk ended with; 0 where they are yet to be made. */
  readonly pastCode: number;
  subjects(hooks: ReplayHooks): readonly Subject[];
  /** The records to hold thresholds against, given the replays so far. */
  records(trials: readonly Trial[]): readonly NetmemRecord[];
  baseline(trials: readonly Trial[]): GivenBaseline | null;
}

/** Reads everything that a gate needs before anything is replayed, and checks it. */
export async function gateSides(
  kind: SideKind,
  paths: readonly string[],
  sources: ConfigSources,
  settings: TrialSettings,
): Promise<GateSides> {
  const config = await resolveConfig(sources);
  const file = await gateFile(settings, sources.cwd);
  const loaded = kind === "records" ? await Promise.all(paths.map(loadRecords)) : [];
  if (loaded.length > 2) {
    throw usage(`${loaded.length} records`, "one record, or the base and the head");
  }
  const subject = loaded.at(-1) ?? [];
  const thresholds = parseThresholds(givenThresholds(settings, file), COUNTED_NAMES, subject);
  const saved = await savedBaseline(settings, file);
  if (saved !== null && (loaded.length === 2 || kind === "commands")) {
    throw usage("--baseline beside two sides", "either a baseline or a base side");
  }
  const noisy = asksForHostTime(thresholds) || config.backend !== "memory";
  const repetitions = settings.repetitions ?? file?.repetitions ?? (noisy ? REPETITIONS : 1);
  const warmup = settings.warmup ?? file?.warmup ?? (repetitions > 1 ? 1 : 0);
  const common = {
    config,
    thresholds,
    inconclusive: settings.inconclusive ?? file?.inconclusive ?? "pass",
    plan: { repetitions, warmup, seed: config.seed },
    pastCode: gravest(subject.map(exitCodeOf)),
  };
  const own = (sameConfig: boolean) => (saved === null ? null : { ...saved, sameConfig });
  if (kind === "records") {
    const base = loaded.length === 2 ? loaded[0]! : null;
    const pair = { name: paths[0]!, source: paths[0]!, content: base ?? [], sameConfig: true };
    return {
      ...common,
      source: paths.at(-1)!,
      labels: [],
      subjects: () => [],
      records: () => subject,
      baseline: () => (base === null ? own(true) : pair),
    };
  }
  if (kind === "commands") return commandSides(common, settings.base!, settings.head!);
  const captures = await capturePaths(config, paths);
  const whole = { ...config, shard: null };
  return {
    ...common,
    source: paths.join(" "),
    // One capture at a time, so that a gate can end between them.
    labels: captures,
    subjects: (hooks) => captures.map((path) => replaySubject(path, whole, [path], hooks)),
    records: (trials) => trials.flatMap((trial) => trial.records),
    baseline: () => own(true),
  };
}

function commandSides(
  common: Pick<GateSides, "config" | "thresholds" | "inconclusive" | "plan" | "pastCode">,
  base: string,
  head: string,
): GateSides {
  const of = (trials: readonly Trial[], side: number) =>
    trials.filter((trial) => trial.subject === side).flatMap((trial) => trial.records);
  return {
    ...common,
    source: head,
    labels: ["base", "head"],
    subjects: ({ signal }) => [
      commandSubject("base", base, signal),
      commandSubject("head", head, signal),
    ],
    records: (trials) => of(trials, 1),
    baseline: (trials) => ({
      name: "base",
      source: base,
      content: of(trials, 0),
      sameConfig: false,
    }),
  };
}
