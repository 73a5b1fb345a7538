import { type JsonNumber, toDouble } from "../../replay/record/json-number.js";

/** A whole number with its digits in groups of three: `1,234,567`. */
export function grouped(value: JsonNumber): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes in three digits: `0 B`, `1.95 MiB`. */
export function humanBytes(value: JsonNumber): string {
  return scaled(toDouble(value), 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** A rate in three digits: `1.23 M`, `920`. */
export function humanRate(value: number): string {
  return scaled(value, 1000, ["", "k", "M", "G", "T"]).trim();
}

const TIME_STEPS: ReadonlyArray<readonly [unit: string, ns: number]> = [
  ["y", 31_557_600e9],
  ["d", 86_400e9],
  ["h", 3600e9],
  ["min", 60e9],
  ["s", 1e9],
  ["ms", 1e6],
  ["us", 1e3],
  ["ns", 1],
];

/** Nanoseconds in three digits: `0`, `870ns`, `12.3us`, `4.56s`, `2.5min`, `3.1y`. */
export function humanTime(value: JsonNumber): string {
  const ns = toDouble(value);
  if (ns === 0) return "0";
  const step = TIME_STEPS.findIndex(([, size]) => ns >= size);
  const [unit, size] = TIME_STEPS[step < 0 ? TIME_STEPS.length - 1 : step]!;
  return `${threeDigits(ns / size)}${unit}`;
}

/** A share in percent with two decimals, or a dash where there is none. */
export function percent(value: number | null): string {
  return value === null ? "-" : `${value.toFixed(2)} %`;
}

/** A noun with its count: `1 netmem`, `3 netmems`. */
export function counted(count: JsonNumber, noun: string): string {
  return `${grouped(count)} ${noun}${toDouble(count) === 1 ? "" : "s"}`;
}

/** A count of any size in few characters: `1,293`, `1.9e11`; text stays as it is. */
export function countShort(count: number | string): string {
  const value = Number(count);
  if (!Number.isFinite(value)) return String(count);
  return value < 1e9 ? grouped(value) : value.toExponential(1).replace("e+", "e");
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let scale = 0;
  let left = value;
  while (left >= step && scale < units.length - 1) {
    left /= step;
    scale++;
  }
  return `${scale === 0 && Number.isInteger(left) ? left : threeDigits(left)} ${units[scale]}`;
}

function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}
