import { NetmemError } from "../error.js";
import type { Shard } from "../plan/shard-flag.js";

/** A file, and which shard it holds. */
export interface ShardFile {
  readonly file: string;
  readonly shard: Shard;
}

/**
 * @param shards at least one, all of the same count.
 * @throws NetmemError NETMEM_SHARD where a shard is there twice or not at all.
 */
export function requireEveryShard(shards: readonly ShardFile[]): void {
  const { count } = shards[0]!.shard;
  const owner = new Map<number, string>();
  for (const { file, shard } of shards) {
    const other = owner.get(shard.index);
    if (other !== undefined) {
      throw refused(
        `${file} and ${other} overlap: both are shard ${shard.index} of ${count}`,
        "each shard once",
      );
    }
    owner.set(shard.index, file);
  }
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((i) => !owner.has(i));
  if (missing.length === 0) return;
  const many = missing.length === 1 ? "shard" : "shards";
  throw refused(`${many} ${missing.join(", ")} of ${count} missing`, "all shards");
}

/** Why parts cannot be joined, and what could. */
export function refused(message: string, give: string): NetmemError {
  return new NetmemError("NETMEM_SHARD", message, `Give ${give}.`);
}
