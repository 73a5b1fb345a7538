import { type JsonNumber, toDouble } from "../../replay/record/json-number.js";
import { OWNERS, POOL_COUNTERS, type PoolCounter, STAGES } from "../../replay/record/names.js";
import { nearestName } from "../../replay/record/nearest.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { Latency, RunRecord } from "../../replay/record/schema.js";
import { tellsDrop, tellsPool } from "../../replay/record/told.js";

/** Unit of a metric's values. */
export type Unit = "" | "ns" | "bytes" | "%" | "ns/packet" | "packets/s";

/** One metric that gates and comparisons know by name. */
export interface MetricSpec {
  readonly name: string;
  readonly unit: Unit;
  /** `counter`: one count a run; `gauge`: one figure a run; `latency`: a histogram a run. */
  readonly kind: "counter" | "gauge" | "latency";
  /** Whether host time is measured; all else is the model's, or the kernel's on its backends. */
  readonly host: boolean;
  /** Which way is better; `neither` where it depends on what one wants. */
  readonly better: "lower" | "higher" | "neither";
  /** Of counters and gauges: the value; null where the run has none. */
  value(run: RunRecord, owner?: string): number | null;
  /** Of latencies: the histogram. */
  latency?(run: RunRecord): Latency;
}

/** Names that only the machine under test knows: all that could be counted, not what was. */
export interface CountedNames {
  /** Drop reasons. */
  readonly drops: readonly string[];
  /** MIB counters of TCP. */
  readonly mibs: readonly string[];
}

/** Pool counters that show extra work when they grow; others describe what was done. */
const LOWER_POOL: readonly PoolCounter[] = [
  "allocSlow",
  "allocSlowHighOrder",
  "allocEmpty",
  "allocWaive",
  "recycleRingFull",
  "recycleReleasedRefcnt",
  "inflight",
];
/** Stages in which a packet waits for netmem; the others last as long as somebody holds on. */
const LOWER_STAGES: readonly string[] = ["driver", "stack", "app", "deliver"];

/**
 * The metric of a name; `where` says where it was written. Names of drop reasons and MIB counters
 * may be written in any case.
 *
 * @throws NetmemError NETMEM_METRIC_UNKNOWN with the nearest name.
 */
export function metricOf(name: string, names: CountedNames, where: string): MetricSpec {
  const known = allMetrics(names);
  const found = known.get(name) ?? known.get(name.toLowerCase());
  if (found !== undefined) return found;
  const all = [...new Set([...known.values()].map((metric) => metric.name))];
  const meant = nearestName(name, all);
  throw new NetmemError(
    "NETMEM_METRIC_UNKNOWN",
    `${where}: unknown metric ${name}`,
    meant === undefined ? `Known are: ${families()}.` : `Did you mean ${meant}?`,
  );
}

/** All metrics by name, and by name in lower case, in the order in which reports show them. */
export function allMetrics({ drops, mibs }: CountedNames): ReadonlyMap<string, MetricSpec> {
  const metrics = [
    counter("leak.netmems", "lower", leakedNetmems),
    counter("leak.zombies", "lower", (run) => run.leaks.zombies),
    counter("drop.total", "lower", (run) => Object.values(run.drops).reduce(add, 0)),
    ...drops.map((reason) =>
      told(
        counter(`drop.${reason}`, "lower", (run) => run.drops[reason] ?? 0),
        (run) => tellsDrop(run, reason),
      ),
    ),
    bytes("delivered.bytes", "higher", (run) => run.deliveredBytes),
    bytes("copy.bytes", "lower", (run) => run.copy.bytes),
    bytes("reference.bytes", "higher", (run) => run.reference.bytes),
    ...STAGES.map(latencyMetric),
    gauge("pool.recycling_pct", "%", "higher", (run) => run.recycle.recyclingPct),
    gauge("pool.end_to_end_pct", "%", "higher", (run) => run.recycle.endToEndPct),
    ...POOL_COUNTERS.map((name) =>
      told(
        counter(
          `pool.${snakeCase(name)}`,
          LOWER_POOL.includes(name) ? "lower" : "neither",
          (run) => run.pool[name],
        ),
        (run) => tellsPool(run, name),
      ),
    ),
    ...mibs.map((mib) => counter(`tcp.${mib}`, "neither", (run) => run.tcp[mib] ?? 0)),
    hostGauge("host.ns_per_packet", "ns/packet", "lower", "nsPerPacket"),
    hostGauge("host.packets_per_second", "packets/s", "higher", "packetsPerSecond"),
  ];
  const byName = new Map<string, MetricSpec>();
  for (const metric of metrics) {
    byName.set(metric.name, metric);
    byName.set(metric.name.toLowerCase(), metric);
  }
  return byName;
}

/** What could be counted as the program knows it, and what the records at hand did count. */
export function namesIn(runs: readonly RunRecord[], known: CountedNames): CountedNames {
  const drops = new Set(known.drops);
  const mibs = new Set(known.mibs);
  for (const run of runs) {
    for (const reason of Object.keys(run.drops)) drops.add(reason);
    for (const mib of Object.keys(run.tcp)) mibs.add(mib);
  }
  return { drops: [...drops], mibs: [...mibs] };
}

function families(): string {
  return (
    "leak.netmems, leak.zombies, pool.<counter>, latency.<stage>, copy.bytes, reference.bytes, " +
    "delivered.bytes, drop.<reason>, drop.total, tcp.<mib>, host.ns_per_packet, " +
    "host.packets_per_second"
  );
}

type Better = MetricSpec["better"];

function counter(name: string, better: Better, of: (run: RunRecord, owner?: string) => JsonNumber) {
  const value = (run: RunRecord, owner?: string) => toDouble(of(run, owner));
  return { name, unit: "", kind: "counter", host: false, better, value } satisfies MetricSpec;
}

/** A metric of which only runs that `tells` accepts have a figure. */
function told(metric: MetricSpec, tells: (run: RunRecord) => boolean): MetricSpec {
  return { ...metric, value: (run, owner) => (tells(run) ? metric.value(run, owner) : null) };
}

function bytes(name: string, better: Better, of: (run: RunRecord) => JsonNumber): MetricSpec {
  return { ...counter(name, better, of), unit: "bytes" };
}

function gauge(
  name: string,
  unit: Unit,
  better: Better,
  value: (run: RunRecord) => number | null,
): MetricSpec {
  return { name, unit, kind: "gauge", host: false, better, value };
}

function hostGauge(
  name: string,
  unit: Unit,
  better: Better,
  field: "nsPerPacket" | "packetsPerSecond",
): MetricSpec {
  const value = (run: RunRecord) => {
    const found = run.host?.[field];
    return found === undefined || found === 0 ? null : found;
  };
  return { ...gauge(name, unit, better, value), host: true };
}

function latencyMetric(stage: (typeof STAGES)[number]): MetricSpec {
  return {
    name: `latency.${stage}`,
    unit: "ns",
    kind: "latency",
    host: false,
    better: LOWER_STAGES.includes(stage) ? "lower" : "neither",
    value: () => null,
    latency: (run) => run.latency[stage],
  };
}

function leakedNetmems(run: RunRecord, owner?: string): JsonNumber {
  if (owner === undefined) return run.leaks.count;
  const known = run.leaks.byOwner[owner as (typeof OWNERS)[number]];
  if (known !== undefined) return known;
  const meant = nearestName(owner, OWNERS);
  throw new NetmemError(
    "NETMEM_NO_SAMPLES",
    `no owner is called ${owner}`,
    meant === undefined ? `Owners are: ${OWNERS.join(", ")}.` : `Did you mean owner=${meant}?`,
  );
}

function add(sum: number, value: JsonNumber): number {
  return sum + toDouble(value);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
