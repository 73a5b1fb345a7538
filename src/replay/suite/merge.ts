import { EXIT, NetmemError } from "../error.js";
import { loadDocuments } from "../record/load-document.js";
import { RECORD_SCHEMA, SUITE_SCHEMA } from "../record/names.js";
import type { NetmemRecord, NetmemSuite } from "../record/schema.js";
import type { ReplayResult } from "../run/contract.js";
import { exitCodeOf, worst } from "../run/replay-each.js";
import { suiteOf } from "../run/suite.js";
import { refused, requireEveryShard } from "./every-shard.js";

/** One document to merge, and the file that it came from. */
export interface MergePart {
  readonly file: string;
  readonly document: NetmemRecord | NetmemSuite;
}

type Failed = NetmemSuite["failed"][number];

/** A capture of a part, at its place in the whole. */
interface Placed {
  readonly file: string;
  readonly position: number;
  readonly record: NetmemRecord | null;
  readonly failed: Failed | null;
}

/**
 * Reads the documents to merge.
 *
 * @throws NetmemError NETMEM_RECORD_CUT for a damaged file, NETMEM_USAGE for another document.
 */
export async function loadParts(files: readonly string[]): Promise<MergePart[]> {
  const parts: MergePart[] = [];
  for (const file of files) {
    for (const document of await loadDocuments(file)) {
      const { schema } = document;
      if (schema !== RECORD_SCHEMA && schema !== SUITE_SCHEMA) {
        throw new NetmemError("NETMEM_USAGE", `${file} is a ${schema}`, "Merge records or suites.");
      }
      parts.push({ file, document: document as MergePart["document"] });
    }
  }
  return parts;
}

/**
 * Joins shards of one run, or records of several captures, to the suite that one machine would
 * have written: records in the order of the list, counters added, histograms added bucket by
 * bucket. Equal field by field to the run without shards, but for host times.
 *
 * @throws NetmemError NETMEM_SHARD for parts that overlap, are missing, or are unlike: of another
 *   netmem, configuration, or list of captures.
 */
export function mergeParts(parts: readonly MergePart[]): ReplayResult {
  requireAlike(parts);
  const placed = placedCaptures(parts).sort((a, b) => a.position - b.position);
  const records = placed.flatMap(({ record }) => (record === null ? [] : [record]));
  const failed = placed.flatMap((each) => (each.failed === null ? [] : [each.failed]));
  const codes = new Set(records.map(exitCodeOf));
  // A capture that failed on its machine leaves the merged suite as it would have left the whole.
  if (failed.length > 0) codes.add(EXIT.captureUnreadable);
  return { document: suiteOf(records, failed), exitCode: worst(codes) };
}

function placedCaptures(parts: readonly MergePart[]): Placed[] {
  const shards = parts.filter((part) => shardIn(part) !== undefined);
  if (shards.length === 0) return inOrder(parts);
  const odd = parts.find((part) => shardIn(part) === undefined);
  if (odd !== undefined) {
    throw refused(`${odd.file} is no shard, but ${shards[0]!.file} is`, "shards of one run alone");
  }
  requireWhole(shards);
  const placed = shards.flatMap(({ file, document }) => {
    const { records, failed, shard } = document as NetmemSuite;
    return [
      ...records.map((record, i) => ({
        file,
        position: shard!.positions[i]!,
        record,
        failed: null,
      })),
      ...failed.map((each, i) => ({
        file,
        position: shard!.failedPositions[i]!,
        record: null,
        failed: each,
      })),
    ];
  });
  const captures = shardIn(shards[0]!)!.captures;
  const found = new Set(placed.map(({ position }) => position));
  const missing = Array.from({ length: captures }, (_, i) => i).filter((i) => !found.has(i));
  if (missing.length > 0) {
    throw refused(
      `${missing.length} of ${captures} captures are in no shard: place ${missing[0]! + 1} first`,
      "shards that ran to their end",
    );
  }
  return placed;
}

/** Shards of one list: each index once, none left out. */
function requireWhole(shards: readonly MergePart[]): void {
  const [first] = shards;
  const { count, listSha256, captures } = shardIn(first!)!;
  for (const part of shards) {
    const shard = shardIn(part)!;
    if (shard.count !== count || shard.listSha256 !== listSha256 || shard.captures !== captures) {
      throw refused(
        `${part.file} is shard ${shard.index} of ${shard.count} of ${shard.captures} captures, ` +
          `${first!.file} one of ${count} of ${captures}${
            shard.listSha256 === listSha256 ? "" : ", and their lists of captures differ"
          }`,
        "shards of one list, named by the same paths",
      );
    }
  }
  requireEveryShard(shards.map((part) => ({ file: part.file, shard: shardIn(part)! })));
}

/** Records and suites that are no shards: in the order given, each capture once. */
function inOrder(parts: readonly MergePart[]): Placed[] {
  const owner = new Map<string, string>();
  const placed: Placed[] = [];
  for (const { file, document } of parts) {
    const records = document.schema === RECORD_SCHEMA ? [document] : document.records;
    const failures = document.schema === RECORD_SCHEMA ? [] : document.failed;
    for (const record of records) {
      const { path, sha256 } = record.capture;
      const key = `${path} ${sha256}`;
      const other = owner.get(key);
      if (other !== undefined) {
        throw refused(`${file} and ${other} overlap: both have ${path}`, "each capture once");
      }
      owner.set(key, file);
      placed.push({ file, position: placed.length, record, failed: null });
    }
    for (const failed of failures) {
      placed.push({ file, position: placed.length, record: null, failed });
    }
  }
  return placed;
}

/** One netmem, one configuration: anything else would give a suite that no run can give. */
function requireAlike(parts: readonly MergePart[]): void {
  const [first] = parts;
  if (first === undefined) throw refused("nothing to merge", "two files or more");
  const all = parts.flatMap(({ file, document }) =>
    (document.schema === RECORD_SCHEMA ? [document] : document.records).map((record) => ({
      file,
      record,
    })),
  );
  for (const { file, document } of parts) {
    const differs = JSON.stringify(document.netmem) !== JSON.stringify(first.document.netmem);
    if (!differs) continue;
    const { version, commit } = document.netmem;
    throw refused(
      `${file} is unlike ${first.file}: made by netmem ${version} ${commit ?? ""}`.trimEnd(),
      "records of one build",
    );
  }
  for (const { file, record } of all) {
    const name = differingSetting(record.config, all[0]!.record.config);
    if (name === undefined) continue;
    throw refused(
      `${file} is unlike ${all[0]!.file}: ${name} differs`,
      "records of one configuration",
    );
  }
}

/** The first setting in which two runs differ; what the sockets came to is none. */
function differingSetting(
  config: NetmemRecord["config"],
  other: NetmemRecord["config"],
): string | undefined {
  const names = Object.keys({ ...config, ...other }) as (keyof NetmemRecord["config"])[];
  return names.find(
    (name) =>
      name !== "rcvbufBytes" && JSON.stringify(config[name]) !== JSON.stringify(other[name]),
  );
}

function shardIn({ document }: MergePart): NetmemSuite["shard"] {
  return document.schema === SUITE_SCHEMA ? document.shard : undefined;
}
