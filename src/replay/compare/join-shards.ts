import type { ComparisonMatrix, ComparisonShard } from "../record/comparison-shard-schema.js";
import { loadDocuments } from "../record/load-document.js";
import { COMPARISON_SHARD_SCHEMA } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import { exitCodeOf, worst } from "../run/replay-each.js";
import { refused, requireEveryShard } from "../suite/every-shard.js";

/** A shard of a comparison, and the file that it came from. */
export interface ShardPart {
  readonly file: string;
  readonly document: ComparisonShard;
}

/** All records of a matrix, as one machine would have them. */
export interface JoinedMatrix {
  readonly netmem: ComparisonShard["netmem"];
  readonly matrix: ComparisonMatrix;
  readonly shards: number;
  /** A list a column: round by round, the captures in the order of the list. */
  readonly records: ReadonlyArray<readonly NetmemRecord[]>;
  /** What the replays would have ended with. */
  readonly exitCode: number;
}

/** What must be the same in all shards, and how a difference is called. */
const ALIKE: ReadonlyArray<readonly [keyof ComparisonMatrix, string]> = [
  ["captures", "list of captures"],
  ["columns", "columns"],
  ["settingsSha256", "settings"],
  ["base", "base column"],
  ["repetitions", "number of repetitions"],
  ["warmup", "warm-up"],
  ["seed", "seed"],
  ["minEffect", "minimum effect"],
  ["force", "--force"],
];

/**
 * The shards of a comparison in files; null where they hold records or suites.
 *
 * @throws NetmemError NETMEM_RECORD_CUT for a damaged file, NETMEM_SHARD for a mixture.
 */
export async function loadShards(files: readonly string[]): Promise<ShardPart[] | null> {
  const loaded = await Promise.all(
    files.map(async (file) => {
      const documents = await loadDocuments(file);
      return documents.map((document) => ({ file, document }));
    }),
  );
  const all = loaded.flat();
  const isShard = (part: (typeof all)[number]): part is ShardPart =>
    part.document.schema === COMPARISON_SHARD_SCHEMA;
  const shards = all.filter(isShard);
  if (shards.length === 0) return null;
  const odd = all.find((part) => !isShard(part));
  if (odd === undefined) return shards;
  throw refused(
    `${odd.file} is a ${odd.document.schema}, but ${shards[0]!.file} is a shard of a comparison`,
    "shards of one comparison alone",
  );
}

/**
 * Joins the shards of a comparison.
 *
 * @throws NetmemError NETMEM_SHARD for parts that overlap, are missing, were broken off, or are
 *   unlike: of another netmem, matrix or settings, or of captures that changed in between.
 */
export function joinShards(parts: readonly ShardPart[]): JoinedMatrix {
  const first = parts[0]!;
  for (const part of parts) requireAlike(part, first);
  requireEveryShard(parts.map(({ file, document }) => ({ file, shard: document.shard })));
  const { matrix, netmem, shard } = first.document;
  requireEveryTrial(parts, matrix);
  requireSameCaptures(parts);
  const trials = parts.flatMap(({ document }) => document.trials);
  trials.sort((a, b) => a.round - b.round || a.capture - b.capture);
  const records = matrix.columns.map((_, column) =>
    trials.filter((trial) => trial.column === column).map(({ record }) => record),
  );
  const exitCode = worst(new Set(trials.map(({ record }) => exitCodeOf(record))));
  return { netmem, matrix, shards: shard.count, records, exitCode };
}

function requireAlike({ file, document }: ShardPart, first: ShardPart): void {
  const { shard, complete, matrix, netmem } = document;
  const { shard: other, matrix: expected, netmem: build } = first.document;
  const unlike = (what: string, give: string) =>
    refused(`${file} is unlike ${first.file}: ${what}`, give);
  if (JSON.stringify(netmem) !== JSON.stringify(build)) {
    const by = `netmem ${netmem.version} ${netmem.commit ?? ""}`.trimEnd();
    throw unlike(`made by ${by}`, "shards of one build");
  }
  for (const [name, called] of ALIKE) {
    if (JSON.stringify(matrix[name]) === JSON.stringify(expected[name])) continue;
    throw unlike(`not the same ${called}`, "shards of one comparison");
  }
  if (shard.count !== other.count) {
    throw unlike(`shard ${shard.index} of ${shard.count}, not of ${other.count}`, "one split");
  }
  if (!complete) throw refused(`${file} was broken off`, "shards that ran to their end");
}

/** Every cell in every round, once. */
function requireEveryTrial(parts: readonly ShardPart[], matrix: ComparisonMatrix): void {
  const { columns, captures, repetitions } = matrix;
  const owner = new Map<string, string>();
  for (const { file, document } of parts) {
    for (const { column, capture, round } of document.trials) {
      const key = `${column} ${capture} ${round}`;
      const other = owner.get(key);
      if (other !== undefined) {
        const cell = `${columns[column]?.label} on ${captures[capture]}`;
        throw refused(`${file} and ${other} overlap: both have ${cell}`, "each cell once");
      }
      owner.set(key, file);
    }
  }
  const wanted = columns.length * captures.length * repetitions;
  if (owner.size === wanted) return;
  throw refused(
    `${owner.size} of ${wanted} replays are in the shards`,
    "shards that ran to their end",
  );
}

/** The same path must have been the same capture everywhere. */
function requireSameCaptures(parts: readonly ShardPart[]): void {
  const seen = new Map<string, { readonly file: string; readonly sha256: string }>();
  for (const { file, document } of parts) {
    for (const { record } of document.trials) {
      const { path, sha256 } = record.capture;
      const before = seen.get(path);
      if (before === undefined) seen.set(path, { file, sha256 });
      else if (before.sha256 !== sha256) {
        throw refused(
          `${path} was another capture in ${file} than in ${before.file}`,
          "shards that replayed the same captures",
        );
      }
    }
  }
}
