import type { Machine } from "../../replay/record/parts.js";
import type { NetmemRecord, RecordConfig } from "../../replay/record/schema.js";

/** Settings that say which runs there are, how they were watched, or what they came to. */
const NOT_BEHAVIOUR = [
  "provider",
  "rcvbufBytes",
  "streams",
  "leaks",
  "floor",
  "reader",
  "seed",
  "intervalNs",
];
/** Of these, the ones that cost host time. */
const COSTS_HOST_TIME = ["streams", "leaks", "floor", "reader", "intervalNs"];

/** A configuration as documents hold it; those of older versions may lack a setting. */
type Settings = Readonly<Record<string, unknown>>;

/** What tells two configurations apart, one line a setting: `ring 1024, was 512`. */
export function configDifferences(
  config: RecordConfig | Settings,
  before: RecordConfig | Settings,
  hostTime: boolean,
): string[] {
  const now = config as Settings;
  const then = before as Settings;
  const names = [...new Set([...Object.keys(now), ...Object.keys(then)])];
  return names
    .filter((name) => !NOT_BEHAVIOUR.includes(name) || (hostTime && COSTS_HOST_TIME.includes(name)))
    .filter((name) => canonical(now[name] ?? null) !== canonical(then[name] ?? null))
    .map((name) => `${name} ${shown(now[name])}, was ${shown(then[name])}`);
}

/** The settings of a configuration that a baseline keeps: those that must be the same. */
export function behaviourOf(config: RecordConfig): Settings {
  const kept = Object.entries(config).filter(
    ([name]) => !NOT_BEHAVIOUR.includes(name) || COSTS_HOST_TIME.includes(name),
  );
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What tells two machines apart; a machine that is not named is like no other. */
export function machineDifferences(
  machine: Machine | null | undefined,
  before: Machine | null | undefined,
): string[] {
  if (machine == null || before == null) {
    return ["the machine is not named in the record: host times of unknown machines are unlike"];
  }
  const names = Object.keys(machine) as (keyof Machine)[];
  return names
    .filter((name) => machine[name] !== before[name])
    .map((name) => `${name} ${machine[name]}, was ${before[name]}`);
}

/** The machine on which a record's host times were measured; null where no run has any. */
export function machineOf(record: NetmemRecord): Machine | null {
  return record.runs.find((run) => run.host?.machine !== undefined)?.host?.machine ?? null;
}

/** JSON with the keys of every object in order, so that equal values give equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function shown(value: unknown): string {
  if (value === undefined) return "(none)";
  const text = typeof value === "string" ? value : canonical(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}
