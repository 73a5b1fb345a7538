import type { Baseline } from "../../replay/record/baseline-schema.js";
import { GATE_SCHEMA } from "../../replay/record/names.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { configDifferences, machineOf } from "../compare/likeness.js";
import { type CountedNames, namesIn } from "../metric/catalog.js";
import { capturesOf, seriesOf } from "../metric/series.js";
import { counted } from "../table/numbers.js";
import { type BaselineFigures, baselineFromDocument, baselineFromRecords } from "./baseline.js";
import { countOutcomes, type GateReport, outcomeOf } from "./gate-report.js";
import { evaluateThresholds } from "./threshold-eval.js";
import { parseThreshold, type Threshold, type ThresholdText } from "./threshold-grammar.js";

/** What `baseline` stands for, before it is read as figures. */
export interface GivenBaseline {
  readonly name: string;
  readonly source: string;
  readonly content: Baseline | readonly NetmemRecord[];
  /** Two commands may differ in configuration on purpose; a saved baseline may not. */
  readonly sameConfig: boolean;
}

/** What a gate is made of. */
export interface GateInput {
  readonly netmem: GateReport["netmem"];
  readonly source: string;
  readonly thresholds: readonly Threshold[];
  /** One a capture and repetition. */
  readonly records: readonly NetmemRecord[];
  readonly baseline: GivenBaseline | null;
  /** How often the thresholds are looked at in all; 1 unless runs may end early. */
  readonly looks: number;
}

/**
 * Understands thresholds; the names that they may use are those that the program knows and those
 * that the records at hand count.
 */
export function parseThresholds(
  given: readonly ThresholdText[],
  known: CountedNames,
  records: readonly NetmemRecord[],
): Threshold[] {
  const names = namesIn(
    records.flatMap((record) => record.runs),
    known,
  );
  return given.map((threshold) => parseThreshold(threshold, names));
}

/** Whether anything that thresholds ask for has noise where the model's clock runs. */
export function asksForHostTime(thresholds: readonly Threshold[]): boolean {
  return thresholds.some(({ metric }) => metric.host);
}

/**
 * Holds thresholds against records.
 *
 * @throws NetmemError for whatever keeps a threshold from being decided; a gate fails closed.
 */
export function buildGate(input: GateInput): GateReport {
  const { records, thresholds, netmem, source, looks } = input;
  rejectDamage(records);
  rejectViolations(records);
  const machine = records.map(machineOf).find((found) => found !== null) ?? null;
  const baseline = input.baseline === null ? null : figuresOf(input.baseline);
  if (input.baseline !== null) rejectUnlike(input.baseline, thresholds, records);
  const series = seriesOf(records);
  const results = evaluateThresholds(thresholds, { series, machine, baseline, looks });
  const reproduce = new Set(records.map((record) => record.reproduce));
  return {
    schema: GATE_SCHEMA,
    netmem,
    outcome: outcomeOf(results),
    counts: countOutcomes(results),
    subject: {
      source,
      captures: capturesOf(series).map(({ path, sha256 }) => ({ path, sha256 })),
      repetitions: Math.max(0, ...series.map(({ runs }) => runs.length)),
      reproduce: [...reproduce],
      machine,
    },
    baseline:
      baseline === null
        ? null
        : { name: baseline.name, source: baseline.source, machine: baseline.machine },
    thresholds: results,
    aborted: null,
    warnings: [...new Map(records.flatMap(warningsOf).map(keyed)).values()],
  };
}

/** A record's warnings, and in front of them the leaks, which no threshold need have asked for. */
function warningsOf({ capture, runs, warnings }: NetmemRecord): NetmemRecord["warnings"] {
  const broken = runs.flatMap(({ provider, leaks }) => {
    const [netmems, pools] = [Number(leaks.count), Number(leaks.zombies)];
    if (netmems + pools === 0) return [];
    const what = `${counted(netmems, "netmem")} and ${counted(pools, "zombie pool")}`;
    return [{ code: "leak", message: `${capture.path}, ${provider} leaked ${what}` }];
  });
  return [...broken, ...warnings];
}

function keyed(warning: NetmemRecord["warnings"][number]) {
  return [`${warning.code} ${warning.message}`, warning] as const;
}

function figuresOf({ name, source, content }: GivenBaseline): BaselineFigures {
  return "schema" in content
    ? baselineFromDocument(content, name, source)
    : baselineFromRecords(content, name, source);
}

/** A part of a capture says nothing about the whole. */
function rejectDamage(records: readonly NetmemRecord[]): void {
  for (const { capture } of records) {
    const [first] = capture.damage;
    if (first === undefined) continue;
    throw new NetmemError(
      "NETMEM_RECORD_CUT",
      `${capture.path} is damaged at byte ${first.offset} (${first.reason}): ` +
        "what was replayed is a part of it",
      "Gate on a whole capture.",
    );
  }
}

/** Nor does a run that a broken rule ended. */
function rejectViolations(records: readonly NetmemRecord[]): void {
  for (const { capture, runs } of records) {
    const broken = runs.find(({ violation }) => violation !== undefined);
    if (broken === undefined) continue;
    throw new NetmemError(
      "NETMEM_INVARIANT",
      `${capture.path}, ${broken.provider} broke off: ${broken.violation!.message}`,
      "Mend that first; netmem replay --leaks trace tells more.",
    );
  }
}

/** A baseline of another configuration says nothing about this one. */
function rejectUnlike(
  { name, content, sameConfig }: GivenBaseline,
  thresholds: readonly Threshold[],
  records: readonly NetmemRecord[],
): void {
  const uses = thresholds.filter(({ bound }) => bound.kind === "baseline");
  if (!sameConfig || uses.length === 0) return;
  const before = "schema" in content ? content.config : content[0]?.config;
  if (before === undefined) return;
  const hostTime = asksForHostTime(uses);
  for (const record of records) {
    const [difference, ...more] = configDifferences(record.config, before, hostTime);
    if (difference === undefined) continue;
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    throw new NetmemError(
      "NETMEM_BASELINE",
      `baseline ${name} is of an unlike configuration: ${difference}${others}`,
      "Run with the baseline's settings, or save it again with netmem baseline save.",
    );
  }
}
