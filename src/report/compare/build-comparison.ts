import { COMPARISON_SCHEMA } from "../../replay/record/names.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import type { Aggregation } from "../metric/aggregate.js";
import { allMetrics, type CountedNames, type MetricSpec, namesIn } from "../metric/catalog.js";
import { isDeterministic, type Series, samplesOf, seriesOf } from "../metric/series.js";
import { detectableShift, neededRepetitions } from "../stats/power.js";
import { geometricMean, median, relativeNoise } from "../stats/summary.js";
import { ALPHA } from "../stats/verdict.js";
import { counted } from "../table/numbers.js";
import {
  type Comparison,
  type ComparisonRow,
  countVerdicts,
  VERDICT_ORDER,
  worstVerdict,
} from "./comparison.js";
import { type DraftRow, isExact, testedColumns } from "./draft-row.js";
import { judge } from "./judge.js";
import { machineOf } from "./likeness.js";
import { refusals } from "./refusals.js";

/** One thing to compare: a cell of a matrix, a record, or a build; and what it gave. */
export interface ComparedColumn {
  readonly label: string;
  readonly source: string;
  readonly settings: Readonly<Record<string, string>>;
  /** One a capture and repetition. */
  readonly records: readonly NetmemRecord[];
}

/** What a comparison is made of. */
export interface ComparisonInput {
  readonly mode: Comparison["mode"];
  readonly netmem: Comparison["netmem"];
  readonly columns: readonly ComparedColumn[];
  readonly base: number;
  readonly seed: number;
  readonly repetitions: number;
  readonly warmup: number;
  /** A share: 0.02 for 2 %. */
  readonly minEffect: number;
  readonly complete: boolean;
  /** Compares host metrics of unlike records too, and labels them. */
  readonly force: boolean;
  /** Machines, or turns of one, that the replays were spread over; 1 where nothing is said. */
  readonly shards?: number;
  readonly known: CountedNames;
}

/** Figures of a latency that a comparison shows. */
const LATENCY_ROWS: readonly Aggregation[] = [
  { name: "p", percentile: 50 },
  { name: "p", percentile: 99 },
  { name: "p", percentile: 99.9 },
  { name: "max" },
];

/** Puts runs side by side: every metric that any of them has, the gravest differences first. */
export function buildComparison(input: ComparisonInput): Comparison {
  const { columns, mode, force } = input;
  const refused = refusals(columns, input.base, mode, input.shards ?? 1);
  const drafts = draftRows(input).filter(
    (draft) => isExact(draft) || refused.length === 0 || force,
  );
  const label = refused.length > 0 ? `forced: ${refused[0]}` : null;
  const rows = judge(drafts, input)
    .map((row) => (row.deterministic ? row : { ...row, label }))
    .sort((a, b) => rankOf(a) - rankOf(b));
  return {
    schema: COMPARISON_SCHEMA,
    netmem: input.netmem,
    mode,
    complete: input.complete,
    seed: input.seed,
    repetitions: input.repetitions,
    warmup: input.warmup,
    minEffectPct: 100 * input.minEffect,
    confidencePct: 100 * (1 - ALPHA),
    columns: columns.map(({ label: name, source, settings, records }) => ({
      label: name,
      source: mode === "matrix" ? (records[0]?.reproduce ?? source) : source,
      settings: { ...settings },
      repetitions: Math.max(0, ...seriesOf(records).map(({ runs }) => runs.length)),
      machine: records.map(machineOf).find((machine) => machine !== null) ?? null,
    })),
    base: input.base,
    captures: captureRows(columns),
    rows,
    geomean: geomeans(rows, columns.length, input.base),
    power: powerOf(drafts, input.base),
    refused,
    counts: countVerdicts(rows),
    warnings: warningsOf(input, drafts),
  };
}

function rankOf(row: ComparisonRow): number {
  return VERDICT_ORDER.indexOf(worstVerdict(row));
}

/** Every capture once, as the first column that has it names it. */
function captureRows(columns: readonly ComparedColumn[]): Comparison["captures"] {
  const found = new Map<string, Comparison["captures"][number]>();
  for (const { capture } of columns.flatMap((column) => column.records)) {
    const { path, sha256, packets } = capture;
    const key = `${path} ${sha256}`;
    if (!found.has(key)) found.set(key, { path, sha256, packets });
  }
  return [...found.values()];
}

/**
 * The rows: one a metric and a capture and, unless columns are told apart by it, a provider. Two
 * columns with one capture each are held against each other even if the captures differ.
 */
function draftRows({ columns, known }: ComparisonInput): DraftRow[] {
  const sides = columns.map(({ records }) => seriesOf(records));
  const bySettings = columns.some(({ settings }) => "provider" in settings) || isHeadToHead(sides);
  const single = sides.every((side) => new Set(side.map((s) => s.capture.sha256)).size === 1);
  const names = new Set(sides.flat().map((series) => series.capture.path));
  const keyOf = (series: Series) =>
    JSON.stringify([
      single ? "" : series.capture.sha256,
      single ? "" : series.capture.path,
      bySettings ? "" : series.provider,
      bySettings ? "" : series.backend,
    ]);
  const keys = new Map(sides.flat().map((series) => [keyOf(series), series]));
  const runs = sides.flat().flatMap((series) => series.runs);
  const metrics = [...new Set(allMetrics(namesIn(runs, known)).values())];
  return [...keys].flatMap(([key, example]) => {
    const tags = {
      ...(bySettings ? {} : { provider: example.provider }),
      ...(names.size > 1 && !single ? { capture: example.capture.path } : {}),
    };
    const across = sides.map((side) => side.find((series) => keyOf(series) === key));
    return metrics.flatMap((metric) =>
      aggregationsFor(metric).flatMap((aggregation) => {
        const row = draftRow(metric, aggregation, tags, across);
        return row === undefined ? [] : [row];
      }),
    );
  });
}

/** Whether every side is of one provider, and they are not all the same one. */
function isHeadToHead(sides: ReadonlyArray<readonly Series[]>): boolean {
  const own = sides.map((side) => new Set(side.map((s) => `${s.backend} ${s.provider}`)));
  return own.every((set) => set.size === 1) && new Set(own.map((set) => [...set][0])).size > 1;
}

function aggregationsFor(metric: MetricSpec): readonly Aggregation[] {
  // packets/s is ns/packet turned round: testing it too would only cost power.
  if (metric.name === "host.packets_per_second") return [];
  return metric.kind === "latency" ? LATENCY_ROWS : [{ name: "value" }];
}

function draftRow(
  metric: MetricSpec,
  aggregation: Aggregation,
  tags: Readonly<Record<string, string>>,
  across: ReadonlyArray<Series | undefined>,
): DraftRow | undefined {
  const samples = across.map((series) =>
    series === undefined ? [] : samplesOf(series, metric, aggregation),
  );
  const present = across.filter((series) => series !== undefined);
  // What nobody counted is no news.
  if (samples.every((side) => side.every((value) => value === 0))) return undefined;
  return {
    metric,
    aggregation,
    tags,
    noisy: across.map(
      (series, i) =>
        series !== undefined && samples[i]!.length > 0 && !isDeterministic(series, metric),
    ),
    clock: metric.host ? "host" : present[0]!.runs[0]!.clock,
    samples,
  };
}

/** Geometric means of the ratios over captures, for every metric that several captures have. */
function geomeans(
  rows: readonly ComparisonRow[],
  columns: number,
  base: number,
): Comparison["geomean"] {
  const groups = new Map<string, ComparisonRow[]>();
  for (const row of rows) {
    if (row.tags.capture === undefined || row.better === "neither") continue;
    const key = JSON.stringify([row.metric, row.agg]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => {
    const captures = new Set(group.map((row) => row.tags.capture)).size;
    if (captures < 2) return [];
    const ratios = Array.from({ length: columns }, (_, column) => {
      if (column === base) return 1;
      const own = group.map((row) => row.cells[column]!.ratio);
      return own.some((ratio) => ratio === null) ? null : geometricMean(own as number[]);
    });
    const { metric, agg } = group[0]!;
    return ratios.every((ratio, i) => ratio === null || i === base)
      ? []
      : [{ metric, agg, ratios, captures }];
  });
}

function powerOf(drafts: readonly DraftRow[], base: number): Comparison["power"] {
  const tests = drafts.reduce((sum, draft) => sum + testedColumns(draft, base).length, 0);
  if (tests === 0) return null;
  const timed = drafts.filter(({ metric }) => metric.host);
  const sides = noisySides(timed.length > 0 ? timed : drafts);
  const repetitions = Math.min(...sides.map((side) => side.length));
  const noise = repetitions < 3 ? null : median(sides.map((side) => relativeNoise([...side])));
  const shift =
    noise === null ? null : detectableShift(noise, { repetitions, tests, alpha: ALPHA });
  return {
    tests,
    neededRepetitions: neededRepetitions(ALPHA, tests),
    noisePct: noise === null ? null : 100 * noise,
    detectablePct: shift === null ? null : 100 * shift,
  };
}

/** All samples that have noise, a list a cell. */
function noisySides(drafts: readonly DraftRow[]): Array<readonly number[]> {
  return drafts.flatMap(({ samples, noisy }) => samples.filter((_, column) => noisy[column]));
}

function warningsOf(input: ComparisonInput, drafts: readonly DraftRow[]): Comparison["warnings"] {
  const power = powerOf(drafts, input.base);
  const warnings: Comparison["warnings"] = [];
  const fewest = Math.min(...noisySides(drafts).map((side) => side.length));
  if (power !== null && fewest < power.neededRepetitions) {
    const times = fewest === 1 ? "1 repetition is" : `${fewest} repetitions are`;
    warnings.push({
      code: "few-repetitions",
      message:
        `${times} too few for a verdict on host time; ` +
        `${power.neededRepetitions} are the least, 9 the default`,
    });
  }
  for (const { label, records } of input.columns) {
    const grave = records.flatMap((record) => [
      ...brokenRuns(record),
      ...record.warnings.filter(({ code }) => isGrave(code)).map(({ message }) => message),
    ]);
    for (const message of new Set(grave)) {
      warnings.push({ code: "record", message: `${label}: ${message}` });
    }
  }
  return warnings;
}

/** Runs whose figures are of a part, or that lost netmems. */
function brokenRuns({ runs }: NetmemRecord): string[] {
  return runs.flatMap(({ provider, violation, leaks }) => {
    if (violation !== undefined) return [`${provider} broke off: ${violation.message}`];
    return Number(leaks.count) > 0 ? [`${provider} leaked ${counted(leaks.count, "netmem")}`] : [];
  });
}

/** Warnings of records that put their figures in doubt. */
function isGrave(code: string): boolean {
  return ["interrupted", "payload-mismatch", "damaged"].includes(code);
}
