import { cellsOfShard, settingsDigest } from "../../replay/compare/cell-shard.js";
import { type Cell, matrixCells } from "../../replay/compare/cells.js";
import { replaySubject } from "../../replay/compare/subjects.js";
import type { ConfigSources } from "../../replay/plan/resolve.js";
import type { Shard } from "../../replay/plan/shard-flag.js";
import { labelIndex, type TrialSettings } from "../../replay/plan/trial-plan.js";
import type { ComparisonMatrix } from "../../replay/record/comparison-shard-schema.js";
import type { ReplayHooks } from "../../replay/run/contract.js";
import { listCaptures } from "../../replay/suite/list-captures.js";
import type { Sides } from "./compare-sides.js";

/** The part of a matrix that this machine replays. */
export interface ShardOfMatrix {
  readonly shard: Shard;
  readonly matrix: ComparisonMatrix;
}

/** A matrix over captures: each column on all captures at once, or a shard, cell by cell. */
export async function matrixSides(
  paths: readonly string[],
  sources: ConfigSources,
  settings: TrialSettings,
  times: { readonly repetitions: number; readonly warmup: number },
): Promise<Sides> {
  const made = await matrixCells(sources);
  const { shard } = made[0]!.config;
  const cells = made.map((cell) => ({ ...cell, config: { ...cell.config, shard: null } }));
  const { config } = cells[0]!;
  const source = paths.join(" ");
  const columns = cells.map(({ label, settings: own }) => ({ label, source, settings: own }));
  const plan = { ...times, seed: config.seed };
  const whole = { mode: "matrix", config, columns, records: null, plan } as const;
  if (shard !== null) {
    const { paths: captures } = await listCaptures(paths);
    const matrix = matrixOf(cells, captures, plan, settings);
    return { ...whole, part: { shard, matrix }, ...ownCells(cells, matrix, shard) };
  }
  return {
    ...whole,
    part: null,
    labels: columns.map(({ label }) => label),
    subjects: (hooks) => cells.map((cell) => replaySubject(cell.label, cell.config, paths, hooks)),
  };
}

function matrixOf(
  cells: readonly Cell[],
  captures: readonly string[],
  plan: Sides["plan"],
  settings: TrialSettings,
): ComparisonMatrix {
  const labels = cells.map(({ label }) => label);
  return {
    captures: [...captures],
    columns: cells.map(({ label, settings: own }) => ({ label, settings: { ...own } })),
    settingsSha256: settingsDigest(cells.map((cell) => cell.config)),
    base: labelIndex(settings.against, labels),
    ...plan,
    minEffect: settings["min-effect"] ?? 0,
    force: settings.force ?? false,
  };
}

/** What a shard replays: one cell after the other, each a column on one capture. */
function ownCells(
  cells: readonly Cell[],
  matrix: ComparisonMatrix,
  shard: Shard,
): Pick<Sides, "labels" | "subjects"> {
  const { captures } = matrix;
  const own = cellsOfShard(matrix, shard).map(({ column, capture }) => {
    const { label, config } = cells[column]!;
    const path = captures[capture]!;
    return { label: captures.length === 1 ? label : `${label} ${path}`, config, path };
  });
  return {
    labels: own.map(({ label }) => label),
    subjects: (hooks: ReplayHooks) =>
      own.map(({ label, config, path }) => replaySubject(label, config, [path], hooks)),
  };
}
