import type { Unit } from "./catalog.js";

/** Enough digits to tell two figures apart, and few enough to read. */
const DIGITS = 6;
/** Host time has noise; more digits would only pretend. */
const HOST_DIGITS = 4;

/**
 * A figure with its unit, in at most six digits: `41.216us`, `1.5 Mpps`, `99.984 %`, `1,234`.
 * Whole counts and bytes keep all their digits.
 */
export function figureText(value: number, unit: Unit): string {
  if (unit === "ns") return scaledTime(value);
  if (unit === "ns/packet") return scaledTime(Number(value.toPrecision(HOST_DIGITS)));
  if (unit === "packets/s") return rate(value);
  if (unit === "%") return `${significant(value)} %`;
  const text = Number.isInteger(value) ? grouped(value) : significant(value);
  return unit === "bytes" ? `${text} B` : text;
}

/** A ratio as people compare it: `1.00x`, `0.834x`, `12.3x`, `4,040x`. */
export function ratioText(ratio: number): string {
  if (ratio >= 999.5) return `${grouped(Math.round(ratio))}x`;
  const plain = ratio === 0 || (ratio >= 0.995 && ratio < 9.995);
  return `${plain ? ratio.toFixed(2) : ratio.toPrecision(3)}x`;
}

/** A change in percent with its sign: `+3.1 %`, `-0.02 %`, `0 %`. */
export function changeText(percent: number): string {
  if (percent === 0) return "0 %";
  const size = Math.abs(percent);
  if (size < 0.01) return `${percent < 0 ? ">-" : "<+"}0.01 %`;
  const text = size >= 10 ? size.toFixed(0) : String(Number(size.toPrecision(2)));
  return `${percent < 0 ? "-" : "+"}${text} %`;
}

function scaledTime(ns: number): string {
  const size = Math.abs(ns);
  if (size === 0) return "0";
  if (size < 1e3) return `${significant(ns)}ns`;
  if (size < 1e6) return `${significant(ns / 1e3)}us`;
  if (size < 1e9) return `${significant(ns / 1e6)}ms`;
  return `${significant(ns / 1e9)}s`;
}

function rate(value: number): string {
  if (value >= 1e6) return `${significant(value / 1e6)} Mpps`;
  return value >= 1e3 ? `${significant(value / 1e3)} kpps` : `${significant(value)} pps`;
}

function significant(value: number): string {
  return String(Number(value.toPrecision(DIGITS)));
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
