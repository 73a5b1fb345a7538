import { addLatencies } from "../measure/histogram.js";
import { type JsonNumber, jsonNumber } from "../record/json-number.js";
import { POOL_COUNTERS, STAGES } from "../record/names.js";
import type { PoolRecord, ProviderTotal, RunRecord } from "../record/schema.js";

/**
 * All captures of each provider added up: counters as sums, histograms bucket by bucket, and the
 * geometric mean of what captures differ in by orders of magnitude.
 */
export function totalsOf(runs: readonly RunRecord[]): ProviderTotal[] {
  const groups = new Map<string, RunRecord[]>();
  for (const run of runs) {
    const key = `${run.backend} ${run.provider}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [run]);
    else known.push(run);
  }
  return [...groups.values()].map(totalOf);
}

function totalOf(runs: readonly RunRecord[]): ProviderTotal {
  const { provider, backend } = runs[0]!;
  const sum = (of: (run: RunRecord) => JsonNumber) => addUp(runs.map(of));
  const measured = runs.flatMap((run) => (run.host === undefined ? [] : [run.host.nsPerPacket]));
  // A capture that delivers nothing has no latency, and would make every mean 0.
  const delivering = runs.filter((run) => Number(run.latency.deliver.count) > 0);
  return {
    provider,
    backend,
    captures: runs.length,
    packets: sum((run) => run.packets),
    bytes: sum((run) => run.bytes),
    deliveredBytes: sum((run) => run.deliveredBytes),
    latency: Object.fromEntries(
      STAGES.map((stage) => [stage, addLatencies(runs.map((run) => run.latency[stage]))]),
    ) as ProviderTotal["latency"],
    pool: Object.fromEntries(
      POOL_COUNTERS.map((name) => [name, sum((run) => run.pool[name])]),
    ) as PoolRecord,
    leaks: {
      count: sum((run) => run.leaks.count),
      zombies: sum((run) => run.leaks.zombies),
    },
    copy: { bytes: sum((run) => run.copy.bytes) },
    reference: { bytes: sum((run) => run.reference.bytes) },
    drops: addCounts(runs.map((run) => run.drops)),
    tcp: addCounts(runs.map((run) => run.tcp)),
    geomean: {
      deliverP50Ns: geometricMean(delivering.map((run) => Number(run.latency.deliver.p50))),
      deliverP99Ns: geometricMean(delivering.map((run) => Number(run.latency.deliver.p99))),
    },
    ...(measured.length === 0 ? {} : { host: { nsPerPacketGeomean: geometricMean(measured) } }),
  };
}

/** Counters by name added up, in the order of their names: that of the captures is no matter. */
function addCounts(
  all: ReadonlyArray<Readonly<Record<string, JsonNumber>>>,
): Record<string, JsonNumber> {
  const names = [...new Set(all.flatMap((counts) => Object.keys(counts)))].sort();
  return Object.fromEntries(
    names.map((name) => [name, addUp(all.map((counts) => counts[name] ?? 0))]),
  );
}

function addUp(values: readonly JsonNumber[]): JsonNumber {
  return jsonNumber(values.reduce<bigint>((total, value) => total + BigInt(value), 0n));
}

function geometricMean(values: readonly number[]): number | null {
  if (values.length === 0 || values.some((value) => !(value > 0))) return null;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
