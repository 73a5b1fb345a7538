import { EXIT, NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { NetmemRecord, NetmemSuite } from "../record/schema.js";
import { listCaptures } from "../suite/list-captures.js";
import { type ShardPart, shardOf } from "../suite/shard.js";
import type { ReplayResult } from "./contract.js";
import { suiteOf } from "./suite.js";

/** The captures of a run, and what becomes of their records. */
export interface CapturePlan {
  readonly paths: readonly string[];
  /** One record alone, or a suite of them. */
  readonly single: boolean;
  /** Where a shard takes part of the list. */
  readonly part: ShardPart | null;
  /** Captures of the whole list. */
  readonly total: number;
}

/** Lists folders and globs, and takes the shard's part. */
export async function planCaptures(
  { shard }: ReplayConfig,
  given: readonly string[],
): Promise<CapturePlan> {
  const { paths, suite } = await listCaptures(given);
  const part = shard === null ? null : shardOf(paths, shard);
  const single = !suite && part === null;
  return { paths: part?.paths ?? paths, single, part, total: paths.length };
}

/**
 * Replays the captures of a plan one after the other, each by `one`, and puts what they came to
 * into one document. Of several, one that cannot be replayed is listed, and the next one follows.
 */
export async function replayEach(
  config: ReplayConfig,
  { paths, single, part, total }: CapturePlan,
  signal: AbortSignal,
  one: (path: string) => Promise<NetmemRecord>,
): Promise<ReplayResult> {
  if (single) {
    const record = await one(paths[0]!);
    return { document: record, exitCode: exitCodeOf(record) };
  }
  const positions: number[] = [];
  const failedPositions: number[] = [];
  const records: NetmemRecord[] = [];
  const failed: Array<NetmemSuite["failed"][number]> = [];
  const codes = new Set<number>();
  for (const [i, path] of paths.entries()) {
    if (signal.aborted) break;
    const position = part?.positions[i] ?? i;
    try {
      const record = await one(path);
      records.push(record);
      positions.push(position);
      codes.add(exitCodeOf(record));
    } catch (error) {
      if (!(error instanceof NetmemError) || error.exitCode === EXIT.usage) throw error;
      failed.push({ path, code: error.code, message: error.message });
      failedPositions.push(position);
      codes.add(error.exitCode);
    }
  }
  if (part === null && records.length === 0 && failed.length === 1) {
    const { code, message } = failed[0]!;
    throw new NetmemError(code as "NETMEM_CAPTURE_UNREADABLE", message, "Check the captures.");
  }
  const { shard } = config;
  const taken =
    part === null
      ? undefined
      : {
          ...shard!,
          captures: total,
          listSha256: part.listSha256,
          positions,
          failedPositions,
        };
  return { document: suiteOf(records, failed, taken), exitCode: worst(codes) };
}

/** 7 before 5 before 0; an interrupted run is told apart by the command. */
export function exitCodeOf(record: NetmemRecord): number {
  const leaked = record.runs.some(
    (run) => run.violation !== undefined || Number(run.leaks.count) + Number(run.leaks.zombies) > 0,
  );
  if (leaked || record.warnings.some((warning) => warning.code === "payload-mismatch")) {
    return EXIT.violated;
  }
  return record.capture.damage.length > 0 ? EXIT.captureUnreadable : EXIT.done;
}

/** The gravest of the exit codes of several captures. */
export function worst(codes: ReadonlySet<number>): number {
  for (const code of [EXIT.violated, EXIT.captureUnreadable, EXIT.unavailable]) {
    if (codes.has(code)) return code;
  }
  return EXIT.done;
}
