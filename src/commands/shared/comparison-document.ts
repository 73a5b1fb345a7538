import { shardDocument } from "../../replay/compare/cell-shard.js";
import type { Trial } from "../../replay/compare/trials.js";
import { NetmemError } from "../../replay/error.js";
import { COUNTED_NAMES } from "../../replay/plan/counted-names.js";
import { labelIndex, type TrialSettings } from "../../replay/plan/trial-plan.js";
import type { ComparisonShard } from "../../replay/record/comparison-shard-schema.js";
import { build } from "../../replay/run/build-info.js";
import { buildComparison, type ComparedColumn } from "../../report/compare/build-comparison.js";
import type { Comparison } from "../../report/compare/comparison.js";
import type { Sides } from "./compare-sides.js";

/**
 * Makes the document of what was replayed so far: the comparison, or with --shard the part of it
 * that netmem merge takes.
 *
 * @throws NetmemError NETMEM_USAGE where a part is to be exported as what only a whole can be.
 */
export function documentMaker(
  sides: Sides,
  settings: TrialSettings,
): (trials: readonly Trial[], complete: boolean) => Comparison | ComparisonShard {
  const { part, config } = sides;
  if (part === null) return (...soFar) => comparisonOf(sides, settings, ...soFar);
  const odd = config.exports.find(({ format }) => format !== "json");
  if (odd !== undefined) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `--export ${odd.format} of a shard: a part of a matrix compares nothing`,
      "Export json, and let netmem merge export the rest.",
    );
  }
  return (...soFar) => shardDocument(build(), part.shard, part.matrix, ...soFar);
}

/** What the columns' records are, of the replays so far or on disk. */
export function columnRecords(sides: Sides, trials: readonly Trial[]): ComparedColumn[] {
  return sides.columns.map((column, i) => ({
    ...column,
    records:
      sides.records?.[i] ??
      trials.filter((trial) => trial.subject === i).flatMap((trial) => trial.records),
  }));
}

function comparisonOf(
  sides: Sides,
  settings: TrialSettings,
  trials: readonly Trial[],
  complete: boolean,
): Comparison {
  const labels = sides.columns.map((column) => column.label);
  return buildComparison({
    mode: sides.mode,
    netmem: build(),
    columns: columnRecords(sides, trials),
    base: labelIndex(settings.against, labels),
    ...sides.plan,
    minEffect: settings["min-effect"] ?? 0,
    complete,
    force: settings.force ?? false,
    known: COUNTED_NAMES,
  });
}
