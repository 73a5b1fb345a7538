import {
  FAULT_KINDS,
  FAULT_NAMES,
  type FaultArgument,
  type FaultKind,
  type FaultKindSpec,
  type FaultUnit,
} from "../../engine/fault/kinds.js";
import type { FaultWhen, PlannedFault } from "../../engine/fault/plan.js";
import { nearestName } from "./nearest.js";
import { parseSize, parseTime } from "./units.js";
import { ValueError } from "./value-error.js";

/**
 * The grammar of `--fault`:
 *
 *      fault   KIND@WHEN[,name=value]...
 *      WHEN    1000          before packet 1000 of the run
 *              5ms           at that model time since the start
 *              2:64KiB       once 64 KiB of stream 2 were read (a row of the streams list)
 *              random        before a packet that the seed draws, of the first within=1000
 *
 * Several faults are repeated flags, or one list: a word with an @ begins the next fault.
 */

const WITHIN = 1000;
const WHEN_HELP =
  "a packet number (1000), a model time (5ms), a byte of a stream (2:64KiB) or random";

/** Parses `--fault` values joined by commas. @throws ValueError with what is known instead. */
export function parseFaults(text: string): PlannedFault[] {
  const faults: string[][] = [];
  for (const word of text.split(",").map((each) => each.trim())) {
    const begins = /^[^=]*@/.test(word) || faults.length === 0;
    if (begins) faults.push([word]);
    else faults.at(-1)!.push(word);
  }
  return faults.map(([head, ...args]) => parseFault(head!, args));
}

/** One fault from its head, `KIND@WHEN`, and its arguments, `name=value`. */
export function parseFault(head: string, args: readonly string[]): PlannedFault {
  const [name = "", when, ...more] = head.split("@");
  const kind = faultKind(name);
  if (when === undefined || when === "" || more.length > 0) {
    throw new ValueError(`needs a moment: write ${kind}@WHEN, where WHEN is ${WHEN_HELP}`);
  }
  const values = new Map<string, string>();
  for (const arg of args) {
    const [key = "", value] = arg.split("=");
    if (value === undefined || value === "") {
      throw new ValueError(`has ${arg}, which is no name=value`);
    }
    values.set(key, value);
  }
  const text = [`${kind}@${when}`, ...[...values].map(([key, value]) => `${key}=${value}`)];
  const parsed = parseWhen(when, values);
  if (values.has("rate") && parsed.at !== "random") {
    throw new ValueError(`has a rate, which goes with @random: write ${kind}@random,rate=1%`);
  }
  if (parsed.at === "byte" && FAULT_KINDS[kind].side === "wire") {
    throw new ValueError(`${kind} happens on the wire, which knows no bytes of streams`);
  }
  return { kind, when: parsed, args: parseArgs(kind, values), text: text.join(",") };
}

function faultKind(name: string): FaultKind {
  if ((FAULT_NAMES as readonly string[]).includes(name)) return name as FaultKind;
  const meant = nearestName(name, FAULT_NAMES);
  const hint = meant === undefined ? "netmem fault kinds lists them" : `write ${meant}`;
  throw new ValueError(`names no kind of fault (${name || "nothing"}): ${hint}`);
}

/** Takes `within` out of the arguments, which says how far `random` reaches. */
function parseWhen(when: string, values: Map<string, string>): FaultWhen {
  if (when === "random") {
    const text = values.get("within");
    values.delete("within");
    return {
      at: "random",
      within: text === undefined ? WITHIN : whole("within", text, { min: 1 }),
    };
  }
  if (/^0+$/.test(when)) throw new ValueError("has packet 0: packets are counted from 1");
  if (/^\d+$/.test(when)) return { at: "packet", packet: whole("packet", when, { min: 1 }) };
  const byte = /^(\d+):(.+)$/.exec(when);
  if (byte !== null) {
    const at = /^\d+$/.test(byte[2]!) ? Number(byte[2]) : parseSize(byte[2]!);
    return { at: "byte", stream: Number(byte[1]), byte: at };
  }
  if (!/^\d/.test(when)) throw new ValueError(`has no moment ${when}: it is ${WHEN_HELP}`);
  return { at: "time", ns: parseTime(when) };
}

function parseArgs(kind: FaultKind, values: ReadonlyMap<string, string>): Record<string, number> {
  const { args }: FaultKindSpec = FAULT_KINDS[kind];
  for (const key of values.keys()) {
    if (key in args) continue;
    const known = Object.keys(args);
    const meant = nearestName(key, known) ?? known.join(", ");
    const hint = known.length === 0 ? `${kind} takes none` : `${kind} takes ${meant}`;
    throw new ValueError(`has an unknown argument ${key}: ${hint}`);
  }
  return Object.fromEntries(
    Object.entries(args).map(([key, argument]) => {
      const text = values.get(key);
      const { unit, fallback } = argument;
      return [key, text === undefined ? fallback : UNITS[unit](key, text, argument)];
    }),
  );
}

/** The least and the most of a whole number. */
type Range = Pick<FaultArgument, "min" | "max">;

const UNITS: Readonly<Record<FaultUnit, (key: string, text: string, range: Range) => number>> = {
  count: whole,
  time: (_key, text) => parseTime(text),
  percent: (key, text) => {
    const value = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
    if (value !== undefined && Number(value) > 0 && Number(value) <= 100) return Number(value);
    throw new ValueError(`has ${key}=${text}: write a share such as ${key}=1%`);
  },
};

function whole(key: string, text: string, { min = 0, max }: Range): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= (max ?? 2 ** 48)) return value;
  const most = max === undefined ? "" : ` to ${max}`;
  throw new ValueError(`has ${key}=${text}: write a whole number from ${min}${most}`);
}
