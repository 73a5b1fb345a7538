import { basename } from "node:path";
import { matrixCells } from "../../replay/compare/cells.js";
import { loadRecords, type SideKind } from "../../replay/compare/sides.js";
import { commandSubject, replaySubject } from "../../replay/compare/subjects.js";
import type { Subject, Trial } from "../../replay/compare/trials.js";
import { COUNTED_NAMES } from "../../replay/plan/counted-names.js";
import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import { type ConfigSources, resolveConfig } from "../../replay/plan/resolve.js";
import { labelIndex, type TrialSettings } from "../../replay/plan/trial-plan.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { build } from "../../replay/run/build-info.js";
import type { ReplayHooks } from "../../replay/run/contract.js";
import { buildComparison, type ComparedColumn } from "../../report/compare/build-comparison.js";
import type { Comparison } from "../../report/compare/comparison.js";

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
  if (kind === "captures") {
    const cells = await matrixCells(sources);
    const config = cells[0]!.config;
    return {
      mode: "matrix",
      config,
      columns: cells.map(({ label, settings: own }) => ({
        label,
        source: paths.join(" "),
        settings: own,
      })),
      records: null,
      plan: { repetitions, warmup, seed: config.seed },
      subjects: (hooks) =>
        cells.map((cell) => replaySubject(cell.label, cell.config, paths, hooks)),
    };
  }
  const config = await resolveConfig(sources);
  if (kind === "records") {
    const records = await Promise.all(paths.map(loadRecords));
    const short = paths.map((path) => basename(path));
    const labels = new Set(short).size === short.length ? short : paths;
    const columns = paths.map((path, i) => ({ label: labels[i]!, source: path, settings: {} }));
    const plan = { repetitions: 1, warmup: 0, seed: config.seed };
    return { mode: "records", config, columns, records, plan, subjects: () => [] };
  }
  const commands = { base: settings.base!, head: settings.head! };
  return {
    mode: "commands",
    config,
    columns: Object.entries(commands).map(([label, source]) => ({ label, source, settings: {} })),
    records: null,
    plan: { repetitions, warmup, seed: config.seed },
    subjects: ({ signal }) =>
      Object.entries(commands).map(([label, line]) => commandSubject(label, line, signal)),
  };
}

/** The comparison of what there is so far. */
export function comparisonOf(
  sides: Sides,
  trials: readonly Trial[],
  settings: TrialSettings,
  complete: boolean,
): Comparison {
  const labels = sides.columns.map((column) => column.label);
  return buildComparison({
    mode: sides.mode,
    netmem: build(),
    columns: sides.columns.map((column, i) => ({
      ...column,
      records:
        sides.records?.[i] ??
        trials.filter((trial) => trial.subject === i).flatMap((trial) => trial.records),
    })),
    base: labelIndex(settings.against, labels),
    ...sides.plan,
    minEffect: settings["min-effect"] ?? 0,
    complete,
    force: settings.force ?? false,
    known: COUNTED_NAMES,
  });
}
