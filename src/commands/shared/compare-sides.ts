import { basename } from "node:path";
import { loadRecords, type SideKind } from "../../replay/compare/sides.js";
import { commandSubject } from "../../replay/compare/subjects.js";
import type { Subject } from "../../replay/compare/trials.js";
import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import { type ConfigSources, resolveConfig } from "../../replay/plan/resolve.js";
import type { TrialSettings } from "../../replay/plan/trial-plan.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import type { ReplayHooks } from "../../replay/run/contract.js";
import type { ComparedColumn } from "../../report/compare/build-comparison.js";
import type { Comparison } from "../../report/compare/comparison.js";
import { matrixSides, type ShardOfMatrix } from "./matrix-sides.js";

/** Repetitions where nothing is said: enough for a verdict at the default minimum effect. */
const REPETITIONS = 9;

/** What is put side by side: each side's name, where it comes from, and how it is replayed. */
export interface Sides {
  readonly mode: Comparison["mode"];
  /** Settings of the output: exports, json, quiet, verbose. */
  readonly config: ReplayConfig;
  readonly columns: ReadonlyArray<Omit<ComparedColumn, "records">>;
  /** Records on disk, a list a column; null where they are yet to be made. */
  readonly records: ReadonlyArray<readonly NetmemRecord[]> | null;
  readonly plan: { repetitions: number; warmup: number; seed: number };
  /** With --shard: which part of which matrix is replayed. */
  readonly part: ShardOfMatrix | null;
  /** What is replayed, as --keep and progress name it. */
  readonly labels: readonly string[];
  subjects(hooks: ReplayHooks): readonly Subject[];
}

/** Prepares the sides of a comparison: a matrix over captures, records on disk, or two commands. */
export async function compareSides(
  kind: SideKind,
  paths: readonly string[],
  sources: ConfigSources,
  settings: TrialSettings,
): Promise<Sides> {
  const repetitions = settings.repetitions ?? REPETITIONS;
  const warmup = settings.warmup ?? (repetitions > 1 ? 1 : 0);
  if (kind === "captures") return matrixSides(paths, sources, settings, { repetitions, warmup });
  const config = await resolveConfig(sources);
  if (kind === "records") {
    const records = await Promise.all(paths.map(loadRecords));
    const short = paths.map((path) => basename(path));
    const labels = new Set(short).size === short.length ? short : paths;
    const columns = paths.map((path, i) => ({ label: labels[i]!, source: path, settings: {} }));
    const plan = { repetitions: 1, warmup: 0, seed: config.seed };
    const none = { part: null, labels, subjects: () => [] };
    return { mode: "records", config, columns, records, plan, ...none };
  }
  const commands = { base: settings.base!, head: settings.head! };
  return {
    mode: "commands",
    config,
    columns: Object.entries(commands).map(([label, source]) => ({ label, source, settings: {} })),
    records: null,
    plan: { repetitions, warmup, seed: config.seed },
    part: null,
    labels: Object.keys(commands),
    subjects: ({ signal }) =>
      Object.entries(commands).map(([label, line]) => commandSubject(label, line, signal)),
  };
}
