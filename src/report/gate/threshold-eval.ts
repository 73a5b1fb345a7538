import type { ThresholdResult } from "../../replay/record/gate-schema.js";
import type { Machine } from "../../replay/record/parts.js";
import { NetmemError } from "../../replay/record/refusal.js";
import { machineDifferences } from "../compare/likeness.js";
import { aggregationText } from "../metric/aggregate.js";
import { isCapture, isDeterministic, type Series, samplesOf, tagsOf } from "../metric/series.js";
import { holm } from "../stats/holm.js";
import { median } from "../stats/summary.js";
import type { BaselineFigures } from "./baseline.js";
import { OUTCOME_ORDER } from "./gate-report.js";
import { holds, type NoisyTest, testNoisy } from "./noisy-bound.js";
import { sentence } from "./sentence.js";
import { type Threshold, unitOf } from "./threshold-grammar.js";

/**
 * How often a gate on host time may fail, or pass, by chance where its bound is exactly met:
 * stricter than a comparison, since a gate that cries wolf is turned off. Where the noise is ten
 * times what the bound allows, an unchanged program is as good as on its bound.
 */
const FALSE_FAILURES = 0.005;

/** What thresholds are held against. */
export interface GateSubject {
  readonly series: readonly Series[];
  readonly machine: Machine | null;
  readonly baseline: BaselineFigures | null;
  /** How often the same thresholds are looked at before the last repetition; 1 for once. */
  readonly looks: number;
}

type Draft = Omit<ThresholdResult, "verdict" | "message" | "p"> & {
  readonly test: NoisyTest | null;
};

/**
 * Holds every threshold against every series that its tags name; the worst come first.
 *
 * Deterministic metrics are held exactly. Noisy ones fail when the test that the bound is kept is
 * refused after Holm over all noisy thresholds, pass when the test that it is broken is refused,
 * and are inconclusive else.
 *
 * @throws NetmemError where a threshold cannot be decided for a reason that must be mended: no
 *   series or no samples (NETMEM_NO_SAMPLES), no or unlike baseline (NETMEM_BASELINE), an unlike
 *   machine (NETMEM_UNLIKE).
 */
export function evaluateThresholds(
  thresholds: readonly Threshold[],
  subject: GateSubject,
): ThresholdResult[] {
  const drafts = thresholds.flatMap((threshold) =>
    matching(threshold, subject.series).map((series) => draft(threshold, series, subject)),
  );
  const noisy = drafts.filter(({ test }) => test !== null);
  const adjusted = holm(noisy.map(({ test }) => test!.pKept));
  const level = FALSE_FAILURES / subject.looks;
  const results = drafts.map(({ test, ...row }): ThresholdResult => {
    const { value, operator, bound } = row;
    if (test === null) {
      const verdict = holds(value, operator, bound) ? "pass" : "fail";
      return { ...row, p: null, verdict, message: sentence(row, verdict) };
    }
    const pKept = adjusted[noisy.findIndex((other) => other.test === test)]!;
    const verdict = pKept < level ? "fail" : test.pBroken < level ? "pass" : "inconclusive";
    const p = verdict === "fail" ? pKept : test.pBroken;
    return { ...row, p, verdict, message: sentence(row, verdict) };
  });
  const rank = ({ verdict }: ThresholdResult) => OUTCOME_ORDER.indexOf(verdict);
  return results.sort((a, b) => rank(a) - rank(b));
}

/** The series that a threshold's tags name. */
function matching(threshold: Threshold, all: readonly Series[]): Series[] {
  const { provider, backend, capture } = threshold.tags;
  const found = all.filter(
    (series) =>
      (provider === undefined || series.provider === provider) &&
      (backend === undefined || series.backend === backend) &&
      (capture === undefined || isCapture(series.capture, capture)),
  );
  if (found.length > 0) return found;
  const known = (tag: "provider" | "backend" | "capture") =>
    [...new Set(all.map((series) => tagsOf(series)[tag]))].slice(0, 5).join(", ");
  throw new NetmemError(
    "NETMEM_NO_SAMPLES",
    `${threshold.origin} '${threshold.expression}': no run has these tags`,
    all.length === 0
      ? "Nothing was replayed."
      : `Runs have provider ${known("provider")}; backend ${known("backend")}; ` +
          `capture ${known("capture")}.`,
  );
}

function draft(threshold: Threshold, series: Series, subject: GateSubject): Draft {
  const { expression, origin, metric, aggregation, operator, bound } = threshold;
  const { owner } = threshold.tags;
  const deterministic = isDeterministic(series, metric);
  const samples = samplesOf(series, metric, aggregation, owner);
  const tags = { ...tagsOf(series), ...(owner === undefined ? {} : { owner }) };
  if (samples.length === 0) {
    throw new NetmemError(
      "NETMEM_NO_SAMPLES",
      `${origin} '${expression}': ${series.provider} has no samples of ${metric.name} ` +
        `on ${series.capture.path}`,
      "Name the providers that have some, such as {provider=zcrx}, or drop the threshold.",
    );
  }
  if (!deterministic && (operator === "==" || operator === "!=")) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${origin} '${expression}': on ${series.backend} this metric is noisy, so ${operator} ` +
        "says nothing",
      "Write <= or >=.",
    );
  }
  const before =
    bound.kind === "baseline" ? baselineSamples(threshold, series, subject) : undefined;
  const value = median(samples);
  const base = before === undefined ? null : median(before);
  const limit = bound.kind === "value" ? bound.value : scaled(base!, bound.factor) + bound.offset;
  const test = deterministic ? null : testNoisy(samples, operator, bound, before);
  return {
    expression,
    origin,
    metric: metric.name,
    agg: aggregationText(aggregation),
    tags,
    unit: unitOf(metric, aggregation),
    clock: metric.host ? "host" : series.runs[0]!.clock,
    deterministic,
    samples: samples.length,
    value,
    operator,
    bound: limit,
    baseline: base,
    changePct: base === null || base === 0 ? null : 100 * (value / base - 1),
    interval: test === null || test.interval === null ? null : [...test.interval],
    test,
  };
}

function baselineSamples(threshold: Threshold, series: Series, subject: GateSubject): number[] {
  const { origin, expression, metric, aggregation, tags } = threshold;
  const { baseline, machine } = subject;
  if (baseline === null) {
    throw new NetmemError(
      "NETMEM_BASELINE",
      `${origin} '${expression}': there is no baseline`,
      "Name one with --baseline, or give a second record; netmem baseline save makes one.",
    );
  }
  const samples = baseline.samples(series, metric, aggregation, tags.owner);
  if (samples.length === 0) {
    throw new NetmemError(
      "NETMEM_BASELINE",
      `${origin} '${expression}': baseline ${baseline.name} has no samples of ${metric.name}`,
      "Save the baseline again with netmem baseline save.",
    );
  }
  if (isDeterministic(series, metric)) return samples;
  const [difference] = machineDifferences(machine, baseline.machine);
  if (difference === undefined) return samples;
  throw new NetmemError(
    "NETMEM_UNLIKE",
    `${origin} '${expression}': baseline ${baseline.name} is of an unlike machine: ${difference}`,
    "Run both sides on one machine with --base and --head, or save the baseline here.",
  );
}

/**
 * A multiple of a baseline, without the last digit's noise that a product has: 1.1 * 3 is 3.3. The
 * baseline itself stays what it is to the last bit, or what did not change would differ from it.
 */
function scaled(base: number, factor: number): number {
  return factor === 1 ? base : Number((base * factor).toPrecision(15));
}
