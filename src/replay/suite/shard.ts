import { createHash } from "node:crypto";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { Shard } from "../plan/shard-flag.js";
import { listCaptures } from "./list-captures.js";

/** What a shard takes of a list: places in the whole list, from 0. */
export interface ShardPart {
  readonly positions: readonly number[];
  readonly paths: readonly string[];
  /** SHA-256 of the whole list, so that merge knows shards of one list. */
  readonly listSha256: string;
}

/**
 * The part of a list that a shard takes: every `count`th capture, so that neighbours, which are
 * often alike in size, go to different machines.
 */
export function shardOf(paths: readonly string[], { index, count }: Shard): ShardPart {
  const positions = paths.map((_, i) => i).filter((i) => i % count === index - 1);
  return {
    positions,
    paths: positions.map((i) => paths[i]!),
    listSha256: createHash("sha256").update(paths.join("\n")).digest("hex"),
  };
}

/** The captures that a configuration replays: directories and globs listed, the shard's part. */
export async function capturePaths(
  { shard }: ReplayConfig,
  given: readonly string[],
): Promise<readonly string[]> {
  const { paths } = await listCaptures(given);
  return shard === null ? paths : shardOf(paths, shard).paths;
}
