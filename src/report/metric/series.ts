import { NetmemError } from "../../replay/record/refusal.js";
import type { CaptureRecord, NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { type Aggregation, aggregate, aggregationText } from "./aggregate.js";
import type { MetricSpec } from "./catalog.js";

/** The runs of one provider on one capture: one a repetition, the first one first. */
export interface Series {
  readonly capture: CaptureRecord;
  readonly provider: string;
  readonly backend: string;
  /** Whether the model's clock ran: then repetitions are equal but for the host's part. */
  readonly modelled: boolean;
  readonly runs: readonly RunRecord[];
}

/** The tags of a series, by which thresholds and rows name it. */
export function tagsOf({ provider, backend, capture }: Series): Record<string, string> {
  return { provider, backend, capture: capture.path };
}

/** The series in records, repetitions of the same capture and provider put together. */
export function seriesOf(records: readonly NetmemRecord[]): Series[] {
  const found = new Map<string, Series & { readonly runs: RunRecord[] }>();
  for (const { capture, runs } of records) {
    for (const run of runs) {
      const { provider, backend } = run;
      const key = JSON.stringify([capture.path, capture.sha256, provider, backend]);
      const known = found.get(key);
      if (known !== undefined) known.runs.push(run);
      else {
        const modelled = run.clock === "model";
        found.set(key, { capture, provider, backend, modelled, runs: [run] });
      }
    }
  }
  return [...found.values()];
}

/** Whether a metric of a series is the same each time. */
export function isDeterministic(series: Series, metric: MetricSpec): boolean {
  return series.modelled && !metric.host;
}

/**
 * A metric's figures of a series, one a repetition; of a deterministic one a single figure.
 *
 * @returns an empty list where any repetition has no samples.
 * @throws NetmemError NETMEM_INVARIANT when a deterministic figure differs between repetitions.
 */
export function samplesOf(
  series: Series,
  metric: MetricSpec,
  aggregation: Aggregation,
  owner?: string,
): number[] {
  const samples: number[] = [];
  for (const run of series.runs) {
    const value = aggregate(metric, aggregation, run, owner);
    if (value === null) return [];
    samples.push(value);
  }
  if (!isDeterministic(series, metric)) return samples;
  const odd = samples.findIndex((value) => value !== samples[0]);
  if (odd < 0) return samples.slice(0, 1);
  throw new NetmemError(
    "NETMEM_INVARIANT",
    `${series.capture.path}, ${series.provider}: ${metric.name} ${aggregationText(aggregation)} ` +
      `is ${samples[0]} in repetition 1 and ${samples[odd]} in repetition ${odd + 1}`,
    "The model must give the same figures each time; keep the records: they show a defect.",
  );
}

/** Whether a tag's value names a capture: its path, its file name, or its digest. */
export function isCapture({ path, sha256 }: CaptureRecord, name: string): boolean {
  return path === name || path.split("/").at(-1) === name || sha256 === name;
}

/** The captures of the series, each once. */
export function capturesOf(series: readonly Series[]): CaptureRecord[] {
  const byKey = new Map(
    series.map(({ capture }) => [`${capture.path} ${capture.sha256}`, capture]),
  );
  return [...byKey.values()];
}
