import { ValueError } from "./value-error.js";

const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const TIME_UNITS = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 } as const;

/**
 * Bytes from `64KiB`, `1.5MiB`, `2048B` or `0`.
 *
 * @throws ValueError for a bare number other than 0, an unknown unit, or a fraction of a byte.
 */
export function parseSize(text: string): number {
  return parseUnit(text, SIZE_UNITS, "a size", ["B", "KiB"]);
}

/**
 * Nanoseconds from `50us`, `1.5ms`, `2s`, `800ns` or `0`.
 *
 * @throws ValueError for a bare number other than 0, an unknown unit, or a fraction of 1 ns.
 */
export function parseTime(text: string): number {
  return parseUnit(text, TIME_UNITS, "a time", ["us", "ms"]);
}

/** Bytes in the largest unit that divides them: 65536 is `64KiB`. */
export function formatSize(bytes: number): string {
  return formatUnit(bytes, SIZE_UNITS);
}

/** Nanoseconds in the largest unit that divides them: 50000 is `50us`. */
export function formatTime(ns: number): string {
  return formatUnit(ns, TIME_UNITS);
}

function parseUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  shown: readonly string[],
): number {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text);
  const names = Object.keys(units).join(", ");
  if (match === null) throw new ValueError(`must be ${what} such as 64${shown[1]} (${names})`);
  const [, digits, unit] = match;
  if (unit === "") {
    const examples = shown.map((name) => `${digits}${name}`).join(" or ");
    throw new ValueError(`needs a unit: write ${examples}`);
  }
  const factor = units[unit!];
  if (factor === undefined) {
    const first = unit![0]!.toLowerCase();
    const meant = Object.keys(units).find((name) => name[0]!.toLowerCase() === first);
    const example = `${digits}${meant ?? shown[1]}`;
    throw new ValueError(`has an unknown unit ${unit}: write ${example} (${names})`);
  }
  const value = Number((Number(digits) * factor).toPrecision(15));
  if (!Number.isSafeInteger(value)) {
    throw new ValueError(`must be a whole number of ${Object.keys(units)[0]} below 2^53`);
  }
  return value;
}

function formatUnit(value: number, units: Readonly<Record<string, number>>): string {
  if (value === 0) return "0";
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0);
  const [unit, factor] = fitting.at(-1)!;
  return `${value / factor}${unit}`;
}
