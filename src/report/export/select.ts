import type { NetmemDocument } from "../../replay/record/load-document.js";
import { STAGES, type Stage } from "../../replay/record/names.js";
import { nearestName } from "../../replay/record/nearest.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { Latency, NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { runName } from "../table/run-name.js";

/** Which runs, and which latencies of them, a report is about. */
export interface Selection {
  readonly provider: string | undefined;
  readonly stage: Stage | undefined;
}

/**
 * Documents with the runs of one provider alone, or of one native backend, and with the histograms
 * of one stage alone; those of other stages are as if nothing had been counted.
 *
 * @throws NetmemError NETMEM_NO_SAMPLES when no run is of that provider.
 */
export function selectRuns(
  documents: readonly NetmemDocument[],
  { provider, stage }: Selection,
): readonly NetmemDocument[] {
  if (provider === undefined && stage === undefined) return documents;
  const known = new Set<string>();
  const record = (each: NetmemRecord): NetmemRecord => {
    for (const run of each.runs) known.add(run.provider).add(runName(run));
    const runs = each.runs.filter(
      (run) => provider === undefined || [run.provider, runName(run)].includes(provider),
    );
    return { ...each, runs: runs.map((run) => (stage === undefined ? run : only(run, stage))) };
  };
  const chosen = documents.map((document) => {
    if (document.schema === "netmem.record/1") return record(document);
    if (document.schema !== "netmem.suite/1") return document;
    return { ...document, records: document.records.map(record) };
  });
  if (provider !== undefined && !known.has(provider)) {
    const meant = nearestName(provider, known);
    throw new NetmemError(
      "NETMEM_NO_SAMPLES",
      `no run is of provider ${provider}`,
      meant === undefined ? `Runs are of: ${[...known].join(", ")}.` : `Did you mean ${meant}?`,
    );
  }
  return chosen;
}

function only(run: RunRecord, stage: Stage): RunRecord {
  const latency = Object.fromEntries(
    STAGES.map((each) => [each, each === stage ? run.latency[each] : empty(run.latency[each])]),
  ) as RunRecord["latency"];
  return { ...run, latency };
}

function empty(latency: Latency): Latency {
  return { ...latency, count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
}
