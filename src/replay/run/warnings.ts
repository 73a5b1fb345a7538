import type { PoolTable } from "../../engine/page-pool/pool-table.js";
import type { TcpArtefact } from "../../engine/tcp/mib.js";
import { MAX_INTERVALS } from "../record/limits.js";
import { STAGES } from "../record/names.js";
import type { NetmemRecord } from "../record/schema.js";
import type { Outcome } from "./run-replay.js";

type Warning = NetmemRecord["warnings"][number];

/** What the capture itself did to TCP, by the engine's counter. */
const ARTEFACTS: readonly (readonly [TcpArtefact, string])[] = [
  ["CaptureBeyondWindow", "segments lie beyond every window that the capture had shown by then"],
  ["CaptureAckBeforeData", "ACKs were captured before the data that they acknowledge"],
  ["CaptureSynAfterData", "SYNs were captured behind data of their connection"],
  ["UrgentSegments", "segments are urgent; their bytes were delivered in line"],
];

/** What the reader of a record should know before trusting its figures; never an error. */
export function warningsOf(outcome: Outcome): Warning[] {
  const { config, facts, lanes } = outcome;
  const { badChecksums: bad, cutFrames, clampedTimestamps: clamped } = outcome.found;
  const { midStream, oneSided, artefacts } = outcome.sockets[0]!;
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
  add("damaged", facts.damage.length, `the capture is damaged at ${places(facts.damage.length)}`);
  add(
    "bad-checksums",
    bad,
    config.checksum === "trust"
      ? `${bad} packets have a wrong checksum and were trusted (offloaded captures do)`
      : `${bad} packets have a wrong checksum and were dropped`,
  );
  add("cut-packets", cutFrames, `${cutFrames} packets were cut by the snapshot length`);
  add("mid-stream", midStream, `${midStream} sockets begin in mid-stream: no SYN was captured`);
  add(
    "one-sided",
    oneSided,
    `${oneSided} sockets have no captured answers: their window is a guess`,
  );
  for (const [kind, message] of ARTEFACTS) {
    const count = artefacts[kind] ?? 0;
    add(kind === "UrgentSegments" ? "urgent" : "capture-order", count, `${count} ${message}`);
  }
  add("clamped-times", clamped, `${clamped} timestamps went back and were set to the one before`);
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

function places(count: number): string {
  return count === 1 ? "1 place" : `${count} places`;
}
