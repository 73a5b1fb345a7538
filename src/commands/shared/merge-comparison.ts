import { type JoinedMatrix, joinShards, type ShardPart } from "../../replay/compare/join-shards.js";
import { COUNTED_NAMES } from "../../replay/plan/counted-names.js";
import { buildComparison, type ComparedColumn } from "../../report/compare/build-comparison.js";
import type { Comparison } from "../../report/compare/comparison.js";

/**
 * The comparison that the shards of a matrix come to: what one machine would have answered with,
 * but for host times.
 *
 * @throws NetmemError NETMEM_SHARD for parts that do not make one whole.
 */
export function mergeComparison(parts: readonly ShardPart[]): {
  document: Comparison;
  columns: ComparedColumn[];
  exitCode: number;
} {
  const joined: JoinedMatrix = joinShards(parts);
  const { netmem, matrix, records, shards, exitCode } = joined;
  const { captures, columns, base, seed, repetitions, warmup, minEffect, force } = matrix;
  const source = captures.join(" ");
  const compared = columns.map((column, i) => ({ ...column, source, records: records[i]! }));
  const document = buildComparison({
    mode: "matrix",
    netmem,
    columns: compared,
    base,
    seed,
    repetitions,
    warmup,
    minEffect,
    force,
    complete: true,
    shards,
    known: COUNTED_NAMES,
  });
  return { document, columns: compared, exitCode };
}
