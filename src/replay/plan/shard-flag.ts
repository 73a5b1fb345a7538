import { NetmemError } from "../error.js";
import type { Environment } from "./layers.js";
import { ValueError } from "./value-error.js";
import type { Parse } from "./values.js";

/** What `--shard` says: index and count, or nulls where the surroundings are to say it. */
export interface ShardChoice {
  /** From 1. */
  readonly index: number | null;
  readonly count: number | null;
}

/** `2/5`, `auto`, `auto/5`, or `none`. */
export const shardChoice: Parse<ShardChoice | null> = (text) => {
  if (text === "none") return null;
  const match = /^(auto|\d+)(?:\/(\d+))?$/.exec(text);
  if (match !== null) {
    const [, index, total] = match;
    const count = total === undefined ? null : Number(total);
    if (index === "auto" && count !== 0) return { index: null, count };
    const at = Number(index);
    if (count !== null && at >= 1 && at <= count) return { index: at, count };
  }
  throw new ValueError("must be I/N with I from 1 to N, such as 2/5, or auto, or auto/5");
};

/** One of several machines that share a list of captures; `index` counts from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * The shard that a setting names. `auto` takes the index that the surroundings give: Kubernetes
 * indexed jobs (JOB_COMPLETION_INDEX, from 0), GitLab (CI_NODE_INDEX from 1, CI_NODE_TOTAL);
 * others, such as a GitHub matrix, set NETMEM_SHARD_INDEX (from 1) and NETMEM_SHARD_TOTAL.
 *
 * @throws NetmemError NETMEM_SHARD where nothing says the index or the count.
 */
export function resolveShard(choice: ShardChoice, environment: Environment): Shard {
  if (choice.index !== null) return { index: choice.index, count: choice.count! };
  const number = (name: string) => {
    const text = environment[name];
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const completion = number("JOB_COMPLETION_INDEX");
  const index =
    number("NETMEM_SHARD_INDEX") ??
    (completion === undefined ? undefined : completion + 1) ??
    number("CI_NODE_INDEX");
  const count = choice.count ?? number("NETMEM_SHARD_TOTAL") ?? number("CI_NODE_TOTAL");
  if (index === undefined || count === undefined) {
    throw new NetmemError(
      "NETMEM_SHARD",
      `--shard auto: nothing says the ${index === undefined ? "index" : "number of shards"}`,
      index === undefined
        ? "Set NETMEM_SHARD_INDEX, or run in a Kubernetes indexed job or GitLab parallel job."
        : "Write --shard auto/5, or set NETMEM_SHARD_TOTAL=5.",
    );
  }
  if (index < 1 || index > count) {
    throw new NetmemError(
      "NETMEM_SHARD",
      `shard ${index} of ${count}: the index counts from 1 to the number of shards`,
      "A Kubernetes JOB_COMPLETION_INDEX counts from 0 and is moved by one.",
    );
  }
  return { index, count };
}
