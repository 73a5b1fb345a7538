import { createHash } from "node:crypto";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { Shard } from "../plan/shard-flag.js";
import type { ComparisonMatrix, ComparisonShard } from "../record/comparison-shard-schema.js";
import { COMPARISON_SHARD_SCHEMA } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import type { Trial } from "./trials.js";

/** One cell of a matrix: a column on one capture, both by their place. */
export interface MatrixCell {
  readonly column: number;
  readonly capture: number;
}

/** The cells of a matrix that a shard replays; see comparison-shard-schema.ts. */
export function cellsOfShard(
  { columns, captures }: Pick<ComparisonMatrix, "columns" | "captures">,
  { index, count }: Shard,
): MatrixCell[] {
  const cells = captures.flatMap((_, capture) =>
    columns.map((_column, column) => ({ column, capture })),
  );
  return cells.filter((_, i) => i % count === index - 1);
}

/** SHA-256 of the settings of all columns: whatever decides what is replayed, and how. */
export function settingsDigest(configs: readonly ReplayConfig[]): string {
  const kept = configs.map(
    ({
      plugins: _,
      exports: _e,
      json: _j,
      quiet: _q,
      verbose: _v,
      chart: _c,
      shard: _s,
      ...rest
    }) => rest,
  );
  return createHash("sha256").update(JSON.stringify(kept)).digest("hex");
}

/** What a shard answers with: the records of its cells, as far as they were replayed. */
export function shardDocument(
  netmem: ComparisonShard["netmem"],
  shard: Shard,
  matrix: ComparisonMatrix,
  trials: readonly Trial[],
  complete: boolean,
): ComparisonShard {
  const cells = cellsOfShard(matrix, shard);
  return {
    schema: COMPARISON_SHARD_SCHEMA,
    netmem,
    shard: { ...shard },
    complete,
    matrix,
    trials: trials.flatMap(({ subject, round, records }) =>
      records.map((record) => ({ ...cells[subject]!, round, record: withoutSeries(record) })),
    ),
  };
}

/** A record without what no comparison looks at, and what makes most of its length. */
function withoutSeries(record: NetmemRecord): NetmemRecord {
  const runs = record.runs.map(({ owners: _, intervals: _intervals, host, ...run }) => {
    if (host === undefined) return run;
    const { intervals: _real, ...times } = host;
    return { ...run, host: times };
  });
  return { ...record, runs };
}
