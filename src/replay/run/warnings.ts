import type { PoolTable } from "../../engine/page-pool/pool-table.js";
import { MAX_INTERVALS } from "../record/limits.js";
import { STAGES } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import { captureWarnings } from "./capture-warnings.js";
import type { Outcome } from "./run-replay.js";
import { uselessFlags } from "./useless-flags.js";

type Warning = NetmemRecord["warnings"][number];

/** What the reader of a record should know before trusting its figures; never an error. */
export function warningsOf(outcome: Outcome): Warning[] {
  const { config, facts, lanes } = outcome;
  const found: Warning[] = [];
  const add = (code: string, count: number | string, message: string) => {
    if (Number(count) > 0) found.push({ code, message });
  };
  add(
    "interrupted",
    outcome.interrupted ? 1 : 0,
    "interrupted: the record covers what was replayed",
  );
  for (const provider of outcome.mismatched) {
    add("payload-mismatch", 1, `${provider}: passes of --loop delivered different bytes`);
  }
  found.push(...uselessFlags(["memory"], config));
  const inCapture = { ...outcome.found, ...outcome.sockets[0]! };
  found.push(...captureWarnings(facts, inCapture, config.checksum === "verify"));
  const missed = [...(lanes.wire?.missed ?? []), ...(lanes.lanes[0]!.director?.missed ?? [])];
  for (const { text } of missed) {
    add("fault-missed", 1, `${text} did not happen: the capture ended before it`);
  }
  for (const { provider, path } of lanes.lanes) {
    for (const stage of STAGES) {
      const { early } = path.stages[stage];
      add("time-order", early, `${provider}: ${early} ${stage} latencies were below 0`);
    }
  }
  for (const { provider, intervalCount } of lanes.lanes) {
    add(
      "intervals-cut",
      Math.max(0, intervalCount - MAX_INTERVALS),
      `${provider}: ${intervalCount} intervals; the record holds the first ${MAX_INTERVALS}`,
    );
  }
  for (const lane of lanes.lanes) {
    for (const line of kernelLog(lane.path.pools)) {
      add("kernel-log", 1, `${lane.provider}: ${line}`);
    }
    for (const [name, times] of Object.entries(lane.path.app.counts.warnings)) {
      add("application", times, `${lane.provider}: the application met ${name} ${times} times`);
    }
  }
  return found;
}

/** The pools' messages; of a stalled pool, which warns each minute, the first and how many. */
function kernelLog(pools: PoolTable): string[] {
  const stalled = new Set<string>();
  const told = pools.warnings.filter((line) => {
    const id = /^stalled pool shutdown: id \d+/.exec(line)?.[0];
    if (id === undefined) return true;
    const first = !stalled.has(id);
    stalled.add(id);
    return first;
  });
  return told.map((line) => {
    const id = /^stalled pool shutdown: id (\d+)/.exec(line)?.[1];
    const warned = id === undefined ? 0 : pools.pools[Number(id)]!.shutdown.warned;
    return warned > 1 ? `${line}; ${warned} times, one a minute` : line;
  });
}
