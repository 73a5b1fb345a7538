import { grouped, humanRate, humanTime, percent } from "../table/numbers.js";

/** A metric's value as a person reads it, by its unit; a dash where there is none. */
export function valueText(value: number | null, unit: string): string {
  if (value === null) return "-";
  if (unit === "ns") return humanTime(value);
  if (unit === "%") return percent(value);
  if (unit === "ns/packet") return `${value.toFixed(1)} ns/packet`;
  if (unit === "packets/s") return `${humanRate(value)} packets/s`;
  const text = Number.isInteger(value) ? grouped(value) : String(Number(value.toPrecision(6)));
  return unit === "bytes" ? `${text} B` : text;
}

/** A change in percent with its sign, or a dash. */
export function changeText(ratio: number | null): string {
  if (ratio === null) return "-";
  const pct = (ratio - 1) * 100;
  return `${pct > 0 ? "+" : ""}${pct.toFixed(2)} %`;
}
