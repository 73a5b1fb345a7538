import { nearestName } from "../../replay/record/nearest.js";
import { NetmemError } from "../../replay/record/refusal.js";
import {
  type Aggregation,
  aggregationText,
  defaultAggregation,
  requireAggregation,
} from "../metric/aggregate.js";
import { type CountedNames, type MetricSpec, metricOf } from "../metric/catalog.js";
import { type Bound, parseBound } from "./bound.js";

/** How the two sides of a threshold are held against each other. */
export type Operator = "<" | "<=" | ">" | ">=" | "==" | "!=";

/**
 * A threshold, in k6's grammar with units, tags and baselines:
 *
 *      latency.deliver {provider=zcrx} : p(99.9) <= baseline*1.05
 *      metric          tags              agg     op  bound
 *
 * Without tags it holds for every provider, backend and capture, each on its own.
 */
export interface Threshold {
  readonly expression: string;
  /** `--threshold`, or file and line. */
  readonly origin: string;
  readonly metric: MetricSpec;
  readonly aggregation: Aggregation;
  readonly tags: Readonly<Record<string, string>>;
  readonly operator: Operator;
  readonly bound: Bound;
  /** Ends the runs as soon as it has failed for certain. */
  readonly abort: boolean;
  /** With `abort`: not before this time since the first run, milliseconds. */
  readonly graceMs: number;
}

/** A threshold as it was given, before it is understood. */
export interface ThresholdText {
  readonly expression: string;
  readonly origin: string;
  readonly abort: boolean;
  readonly graceMs: number;
}

/** The tags that tell series apart; `owner` splits leak.netmems further. */
export const TAGS = ["provider", "backend", "capture", "owner"] as const;

const METRIC = /([A-Za-z][\w.]*)\s*(?:\{([^}]*)\})?/;
const AGGREGATION = /(?::\s*([a-z]+(?:\([^)]*\))?))?/;
const OPERATOR = /(<=|>=|==|!=|<|>)/;
const FORM = new RegExp(
  `^${METRIC.source}\\s*${AGGREGATION.source}\\s*${OPERATOR.source}(.*)$`,
  "s",
);

/**
 * Understands a threshold.
 *
 * @throws NetmemError NETMEM_METRIC_UNKNOWN for a metric that does not exist, with the nearest
 *   name; NETMEM_USAGE for everything else that is wrong, with what is right.
 */
export function parseThreshold(given: ThresholdText, names: CountedNames): Threshold {
  const expression = given.expression.trim();
  const where = `${given.origin} '${expression}'`;
  const match = FORM.exec(expression);
  if (match === null) {
    throw usage(
      `${where}: not a threshold`,
      "Write METRIC[{TAG=VALUE}][: AGG] OP BOUND, such as " +
        "'latency.deliver{provider=zcrx}: p(99) < 40us'.",
    );
  }
  const [, name, tagText, aggregationWord, operator, boundText] = match;
  const metric = metricOf(name!, names, where);
  const aggregation = aggregationIn(aggregationWord, metric, where);
  requireAggregation(metric, aggregation, where);
  const unit = aggregation.name === "rate" ? "share" : unitOf(metric, aggregation);
  const bound = parseBound(boundText!.trim(), unit, where);
  const tags = parseTags(tagText, metric, where);
  if (metric.host && (operator === "==" || operator === "!=")) {
    throw usage(
      `${where}: host time is never the same twice, so ${operator} says nothing about it`,
      "Write <= or >=.",
    );
  }
  const { origin, abort, graceMs } = given;
  const known = { expression, origin, metric, aggregation, abort, graceMs };
  return { ...known, tags, operator: operator as Operator, bound };
}

/** The threshold in its shortest form; parsing it gives the same threshold again. */
export function thresholdText(threshold: Threshold): string {
  const { metric, tags, aggregation, operator, bound } = threshold;
  const pairs = Object.entries(tags).map(([tag, value]) => `${tag}=${value}`);
  const braces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${metric.name}${braces}: ${aggregationText(aggregation)} ${operator} ${boundText(
    bound,
    aggregation.name === "rate" ? "" : unitOf(metric, aggregation),
  )}`;
}

/** The unit of a metric's aggregated figure: a count has none, a share neither. */
export function unitOf(metric: MetricSpec, { name }: Aggregation): MetricSpec["unit"] {
  const plain = metric.kind === "latency" ? name === "count" : name === "rate";
  return plain ? "" : metric.unit;
}

function boundText(bound: Bound, unit: MetricSpec["unit"]): string {
  const suffix = unit === "ns" ? "ns" : "";
  if (bound.kind === "value") return `${bound.value}${suffix}`;
  if (bound.factor !== 1) return `baseline*${bound.factor}`;
  if (bound.offset === 0) return "baseline";
  return `baseline${bound.offset < 0 ? "-" : "+"}${Math.abs(bound.offset)}${suffix}`;
}

function aggregationIn(word: string | undefined, metric: MetricSpec, where: string): Aggregation {
  if (word === undefined) {
    const own = defaultAggregation(metric);
    if (own !== null) return own;
    throw usage(
      `${where}: ${metric.name} is a distribution, so say which figure of it`,
      `Write ${metric.name}: p(99), or med, avg, min, max, count.`,
    );
  }
  const percentile = /^p\(\s*(\d+(?:\.\d+)?)\s*\)$/.exec(word);
  if (percentile !== null) {
    const value = Number(percentile[1]);
    if (value <= 100) return { name: "p", percentile: value };
    throw usage(`${where}: ${word} is beyond p(100)`, "Write p(99.9).");
  }
  const words = ["count", "rate", "value", "min", "max", "avg", "med"] as const;
  const found = words.find((known) => known === word);
  if (found !== undefined) return { name: found };
  const meant = word.startsWith("p") ? "p(99)" : nearestName(word, words);
  const list = `${words.join(", ")}, p(x)`;
  throw usage(
    `${where}: unknown aggregation ${word} (known: ${list})`,
    meant === undefined ? `Write one of ${list}.` : `Did you mean ${meant}?`,
  );
}

function parseTags(text: string | undefined, metric: MetricSpec, where: string) {
  const tags: Record<string, string> = {};
  for (const pair of (text ?? "").split(",").map((part) => part.trim())) {
    if (pair === "") continue;
    const [, tag, value] = /^([a-z]+)\s*[=:]\s*(.+)$/s.exec(pair) ?? [];
    if (tag === undefined) throw usage(`${where}: ${pair} is no tag`, "Write {provider=zcrx}.");
    if (!(TAGS as readonly string[]).includes(tag)) {
      const meant = nearestName(tag, TAGS);
      throw usage(
        `${where}: unknown tag ${tag} (known: ${TAGS.join(", ")})`,
        meant === undefined ? "Write {provider=zcrx}." : `Did you mean ${meant}?`,
      );
    }
    if (tag === "owner" && metric.name !== "leak.netmems") {
      throw usage(`${where}: only leak.netmems has owners`, "Leave the tag owner out.");
    }
    tags[tag] = value!.trim();
  }
  return tags;
}

function usage(message: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", message, suggestion);
}
