import { NetmemError } from "../../replay/record/refusal.js";
import type { Unit } from "../metric/catalog.js";

/** The right side of a threshold: a figure, or the baseline's figure times and plus something. */
export type Bound =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "baseline"; readonly factor: number; readonly offset: number };

/** Units of numbers, by the unit of the metric; the empty word is a bare number. */
const UNITS: Readonly<Record<Unit | "share", Readonly<Record<string, number>>>> = {
  "": { "": 1 },
  ns: { ns: 1, us: 1e3, ms: 1e6, s: 1e9 },
  bytes: { "": 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
  "%": { "": 1, "%": 1 },
  "ns/packet": { "": 1, ns: 1, us: 1e3 },
  "packets/s": { "": 1, pps: 1, kpps: 1e3, Mpps: 1e6 },
  share: { "": 1, "%": 0.01 },
};

/** What a message shows as right, by the unit of the metric. */
const EXAMPLE: Readonly<Record<Unit | "share", string>> = {
  "": "0",
  ns: "40us",
  bytes: "64KiB",
  "%": "99%",
  "ns/packet": "200ns",
  "packets/s": "1.5Mpps",
  share: "0.1%",
};

/**
 * Parses the right side: `40us`, `0`, `baseline`, `baseline*1.05`, `baseline+200ns`.
 *
 * @param unit of what stands on the left; `share` where it is a rate.
 * @throws NetmemError NETMEM_USAGE for a number without the unit that it needs, or a wrong one.
 */
export function parseBound(text: string, unit: Unit | "share", where: string): Bound {
  const term = /^baseline\s*(?:([*+-])\s*(.+))?$/.exec(text);
  if (term === null) return { kind: "value", value: quantity(text, unit, where) };
  const [, sign, rest] = term;
  if (sign === undefined) return { kind: "baseline", factor: 1, offset: 0 };
  if (sign === "*") {
    const factor = /^\d+(\.\d+)?$/.test(rest!) ? Number(rest) : Number.NaN;
    if (factor > 0) return { kind: "baseline", factor, offset: 0 };
    throw usage(`${where}: baseline*${rest} needs a number above 0`, "Write baseline*1.05.");
  }
  if (/%$/.test(rest!) && unit !== "%" && unit !== "share") {
    throw usage(
      `${where}: baseline${sign}${rest} mixes a share with a figure`,
      `Write baseline*${sign === "+" ? "1.05" : "0.95"} for a share of the baseline.`,
    );
  }
  const offset = quantity(rest!, unit, where);
  return { kind: "baseline", factor: 1, offset: sign === "-" ? -offset : offset };
}

function quantity(text: string, unit: Unit | "share", where: string): number {
  const units = UNITS[unit];
  const match = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([A-Za-z%]*)$/.exec(text.replaceAll("_", ""));
  const known = Object.keys(units).filter((name) => name !== "");
  const list = known.length === 0 ? "it takes no unit" : `units: ${known.join(", ")}`;
  if (match === null) {
    throw usage(
      `${where}: ${text === "" ? "nothing" : text} is no number (${list})`,
      `Write ${EXAMPLE[unit]} or baseline.`,
    );
  }
  const [, digits, word] = match;
  const value = Number(digits);
  if (word === "" && value === 0) return 0;
  const factor = units[word!];
  if (factor === undefined) {
    const problem = word === "" ? "needs a unit" : `has a unit that does not fit: ${word}`;
    const shown = known.length === 0 ? digits : `${digits}${known[Math.min(1, known.length - 1)]}`;
    throw usage(`${where}: ${text} ${problem} (${list})`, `Write ${shown}.`);
  }
  return Number((value * factor).toPrecision(15));
}

function usage(message: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", message, suggestion);
}
