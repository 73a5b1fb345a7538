import type { Baseline } from "../../replay/record/baseline-schema.js";
import { BASELINE_SCHEMA, LATENCY_FIGURES } from "../../replay/record/names.js";
import type { Machine } from "../../replay/record/parts.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { behaviourOf, configDifferences, machineOf } from "../compare/likeness.js";
import { type Aggregation, aggregationText } from "../metric/aggregate.js";
import { allMetrics, type CountedNames, type MetricSpec, namesIn } from "../metric/catalog.js";
import { isDeterministic, type Series, samplesOf, seriesOf } from "../metric/series.js";

/** What `baseline` stands for in thresholds. */
export interface BaselineFigures {
  readonly name: string;
  readonly source: string;
  readonly machine: Machine | null;
  /**
   * The figures that a series is held against, one a repetition; one of a deterministic metric.
   *
   * @throws NetmemError NETMEM_BASELINE where the baseline has no such series or figure.
   */
  samples(series: Series, metric: MetricSpec, aggregation: Aggregation, owner?: string): number[];
}

/** Figures of noisy metrics that a baseline keeps of a backend that is not the model. */
const NOISY_FIGURES: readonly Aggregation[] = [
  { name: "p", percentile: 50 },
  { name: "p", percentile: 99 },
  { name: "p", percentile: 99.9 },
  { name: "max" },
];

/** Records as a baseline: everything that they hold can be asked for. */
export function baselineFromRecords(
  records: readonly NetmemRecord[],
  name: string,
  source: string,
): BaselineFigures {
  const known = seriesOf(records);
  return {
    name,
    source,
    machine: records.map(machineOf).find((machine) => machine !== null) ?? null,
    samples: (series, metric, aggregation, owner) => {
      const found = known.find((other) => isSame(other.capture.sha256, other, series));
      if (found === undefined)
        throw noSeries(
          name,
          series,
          known.map((s) => s.capture),
        );
      return samplesOf(found, metric, aggregation, owner);
    },
  };
}

/** A baseline file's figures. */
export function baselineFromDocument(
  document: Baseline,
  name: string,
  source: string,
): BaselineFigures {
  return {
    name,
    source,
    machine: document.machine,
    samples: (series, metric, aggregation, owner) => {
      const found = document.series.find((other) => isSame(other.capture.sha256, other, series));
      if (found === undefined) {
        throw noSeries(
          name,
          series,
          document.series.map(({ capture }) => capture),
        );
      }
      const figure = aggregationText(aggregation);
      const noisy = !isDeterministic(series, metric);
      const key = noisy && metric.latency !== undefined ? `${metric.name}: ${figure}` : metric.name;
      const kept = found.metrics[owner === undefined ? key : `${key}{owner=${owner}}`];
      if (kept === undefined && metric.kind === "counter") return [0];
      if (Array.isArray(kept)) return kept;
      if (typeof kept === "number") {
        if (aggregation.name !== "rate") return [kept];
        return [kept / Number(found.capture.packets)];
      }
      const word = figure === "med" ? "p(50)" : figure;
      const value = kept?.[word as (typeof LATENCY_FIGURES)[number]];
      if (value !== undefined) return [value];
      throw noFigure(name, metric, figure, kept !== undefined);
    },
  };
}

/** The baseline file that records make; with `host`, samples of host times are in it too. */
export function baselineOf(
  records: readonly NetmemRecord[],
  known: CountedNames,
  host: boolean,
): Baseline {
  const [first, ...others] = records;
  if (first === undefined) throw new NetmemError("NETMEM_NO_SAMPLES", "no record", "Give one.");
  for (const record of others) {
    const [difference] = configDifferences(record.config, first.config, true);
    if (difference === undefined) continue;
    throw new NetmemError(
      "NETMEM_UNLIKE",
      `records of unlike configurations make no baseline: ${difference}`,
      "Save a baseline for each configuration.",
    );
  }
  const runs = records.flatMap((record) => record.runs);
  const metrics = new Set(allMetrics(namesIn(runs, known)).values());
  return {
    schema: BASELINE_SCHEMA,
    netmem: { version: first.netmem.version },
    machine: host ? machineOf(first) : null,
    config: { ...behaviourOf(first.config) },
    series: seriesOf(records).map((series) => ({
      capture: {
        path: series.capture.path,
        sha256: series.capture.sha256,
        packets: series.capture.packets,
      },
      provider: series.provider,
      backend: series.backend,
      metrics: Object.fromEntries(
        [...metrics].flatMap((metric) => keptFigures(series, metric, host)),
      ),
    })),
  };
}

type Kept = Baseline["series"][number]["metrics"][string];

/** What is kept of a metric: nothing of counters that are 0, so that the file stays small. */
function keptFigures(series: Series, metric: MetricSpec, host: boolean): Array<[string, Kept]> {
  const { name, kind } = metric;
  if (!isDeterministic(series, metric)) {
    if (!host) return [];
    const figures = kind === "latency" ? NOISY_FIGURES : [{ name: "value" } as const];
    return figures.flatMap((figure): Array<[string, Kept]> => {
      const samples = samplesOf(series, metric, figure).sort((a, b) => a - b);
      const key = kind === "latency" ? `${name}: ${aggregationText(figure)}` : name;
      return samples.length === 0 ? [] : [[key, samples]];
    });
  }
  if (kind === "latency") {
    const figures = LATENCY_FIGURES.map((word) => [word, figureOf(series, metric, word)] as const);
    if (figures.some(([, value]) => value === undefined)) return [];
    return [[name, Object.fromEntries(figures) as Exclude<Kept, number | number[]>]];
  }
  const [value] = samplesOf(series, metric, { name: "value" });
  if (value === undefined || (kind === "counter" && value === 0)) return [];
  const owners = name === "leak.netmems" ? series.runs[0]!.leaks.byOwner : {};
  const byOwner = Object.entries(owners)
    .filter(([, count]) => Number(count) > 0)
    .map(([owner, count]): [string, Kept] => [`${name}{owner=${owner}}`, Number(count)]);
  return [[name, value], ...byOwner];
}

function figureOf(series: Series, metric: MetricSpec, word: string): number | undefined {
  const percentile = /^p\((.+)\)$/.exec(word)?.[1];
  const aggregation: Aggregation =
    percentile === undefined
      ? { name: word as "count" | "min" | "max" | "avg" }
      : { name: "p", percentile: Number(percentile) };
  return samplesOf(series, metric, aggregation)[0];
}

function isSame(
  sha256: string,
  other: { readonly provider: string; readonly backend: string },
  series: Series,
): boolean {
  const { capture, provider, backend } = series;
  return sha256 === capture.sha256 && other.provider === provider && other.backend === backend;
}

function noSeries(
  name: string,
  { capture, provider, backend }: Series,
  captures: ReadonlyArray<{ readonly path: string; readonly sha256: string }>,
): NetmemError {
  const same = captures.find(({ sha256 }) => sha256 === capture.sha256);
  const changed = captures.find(({ path }) => path === capture.path);
  const what =
    same !== undefined
      ? `has no run of ${provider} on ${backend} for ${capture.path}`
      : changed !== undefined
        ? `is of another ${capture.path}: its sha256 was ${changed.sha256.slice(0, 12)}...`
        : `has no capture ${capture.path} (sha256 ${capture.sha256.slice(0, 12)}...)`;
  return new NetmemError(
    "NETMEM_BASELINE",
    `baseline ${name} ${what}`,
    "Save the baseline again with netmem baseline save.",
  );
}

function noFigure(name: string, metric: MetricSpec, figure: string, kept: boolean): NetmemError {
  if (kept) {
    return new NetmemError(
      "NETMEM_BASELINE",
      `baseline ${name} does not keep ${metric.name}: ${figure}`,
      `It keeps ${LATENCY_FIGURES.join(", ")}; or give a record as the baseline.`,
    );
  }
  return new NetmemError(
    "NETMEM_BASELINE",
    `baseline ${name} has no samples of ${metric.name}`,
    metric.host
      ? "Save it with --host and several --repetitions, on the machine that runs the gate."
      : "Save the baseline again with netmem baseline save.",
  );
}
