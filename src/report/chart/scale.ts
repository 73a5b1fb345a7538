import { toDouble } from "../../replay/record/json-number.js";
import type { OwnerPoint } from "../../replay/record/series-schema.js";

/** Where percentiles lie on the HDR scale: as many nines as there are, counted continuously. */
export function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}

/** The inverse of {@link ninesOf}. */
export function percentileAt(nines: number): number {
  return 100 * (1 - 10 ** -nines);
}

/**
 * How far right a chart of `count` values goes: the percentile of the last value but none beyond,
 * at least 99, at most 99.999 %.
 */
export function lastNines(count: number): number {
  return Math.min(Math.max(2, Math.log10(Math.max(count, 1))), 5);
}

/** Labels of the HDR scale, as far as it goes. */
export function percentileTicks(nines: number): Array<{ nines: number; label: string }> {
  return [0, 50, 90, 99, 99.9, 99.99, 99.999]
    .map((percentile) => ({ nines: ninesOf(percentile), label: String(percentile) }))
    .filter((tick) => tick.nines <= nines + 1e-9);
}

/** A scale of latencies: logarithmic where they differ much, else from 0. */
export interface ValueScale {
  readonly log: boolean;
  readonly ticks: readonly number[];
  /** 0 at the scale's bottom, 1 at its top. */
  at(value: number): number;
}

/** A scale that has room for all values. */
export function valueScale(values: readonly number[]): ValueScale {
  const positive = values.filter((value) => value > 0);
  const max = Math.max(...positive, 1);
  const min = Math.min(...positive, max);
  if (max / min < 20 || values.some((value) => value === 0)) return linearScale(max);
  const low = Math.floor(Math.log10(min));
  const high = Math.max(Math.ceil(Math.log10(max)), low + 1);
  const step = Math.ceil((high - low) / 6);
  const ticks: number[] = [];
  for (let power = low; power <= high; power += step) ticks.push(10 ** power);
  const at = (value: number) =>
    Math.min(Math.max((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low), 0), 1);
  return { log: true, ticks, at };
}

/** A scale from 0 to a round number that is not below `max`. */
export function linearScale(max: number): ValueScale {
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, Number.MIN_VALUE)));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  const whole = Math.max(step, 1);
  const top = Math.max(Math.ceil(max / whole), 1) * whole;
  const ticks = Array.from({ length: Math.round(top / whole) + 1 }, (_, i) => i * whole);
  return { log: false, ticks, at: (value) => Math.min(Math.max(value / top, 0), 1) };
}

/** The point of a series that holds at a time: the last one that is not behind it. */
export function pointAt(points: readonly OwnerPoint[], timeNs: number): OwnerPoint {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (toDouble(points[middle]!.timeNs) <= timeNs) low = middle;
    else high = middle - 1;
  }
  return points[low]!;
}
