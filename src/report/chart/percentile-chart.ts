import { toDouble } from "../../replay/record/json-number.js";
import type { Latency, NetmemRecord } from "../../replay/record/schema.js";
import { valuesAt } from "../histogram.js";
import { humanTime } from "../table/numbers.js";
import { timedNames } from "../table/run-name.js";
import type { Face } from "./face.js";
import { lastNines, percentileAt, percentileTicks, type ValueScale, valueScale } from "./scale.js";

const ROWS = 9;
const AXIS_COLUMNS = 8;

/** One line of a chart: what it is called, and how long its deliveries took. */
export interface Curve {
  readonly name: string;
  readonly deliver: Latency;
}

/** The delivery latency of all runs of a record over the percentiles. */
export function percentileChart({ runs }: NetmemRecord, face: Face): string {
  const names = timedNames(runs);
  return curvesChart(
    runs.map((run, i) => ({ name: names[i]!, deliver: run.latency.deliver })),
    face,
  );
}

/**
 * Delivery latencies over the percentiles, on the HDR scale: each curve a letter, `*` where several
 * meet. Empty where nothing was delivered.
 */
export function curvesChart(all: readonly Curve[], { width }: Face): string {
  const shown = all.filter(({ deliver }) => toDouble(deliver.count) > 0);
  if (shown.length === 0) return "";
  const columns = width - AXIS_COLUMNS - 2;
  const nines = lastNines(Math.max(...shown.map(({ deliver }) => toDouble(deliver.count))));
  const percentiles = Array.from({ length: columns }, (_, i) =>
    percentileAt((i / (columns - 1)) * nines),
  );
  const curves = shown.map(({ deliver }) => valuesAt(deliver, percentiles));
  const scale = valueScale(curves.flat());
  const letters = lettersOf(shown);
  const canvas = drawn(curves, letters, scale, columns);
  const keys = shown.map(({ name }, i) => `${letters[i]} ${name}`);
  return [
    `latency, arrival to read${scale.log ? ", log scale" : ""}`,
    ...wrapped([...keys, "* several"], width),
    ...canvas.map((line, row) => `${axisLabel(scale, row)} |${line}`.trimEnd()),
    `${" ".repeat(AXIS_COLUMNS)} +${"-".repeat(columns)}`,
    `${" ".repeat(AXIS_COLUMNS + 2)}${tickLine(nines, columns)}`,
  ].join("\n");
}

/** Items two blanks apart, on as many lines as they take. */
function wrapped(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const longer = `${lines.at(-1) ?? ""}  ${item}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(`  ${item}`);
  }
  return lines;
}

/** A letter a curve: the first of its name that is still free. */
function lettersOf(curves: readonly Curve[]): string[] {
  const taken: string[] = [];
  for (const { name } of curves) {
    const letter = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"].find(
      (each) => /[a-z]/.test(each) && !taken.includes(each),
    );
    taken.push(letter ?? "?");
  }
  return taken;
}

function drawn(
  curves: readonly number[][],
  letters: readonly string[],
  scale: ValueScale,
  columns: number,
): string[] {
  const cells = Array.from({ length: ROWS }, () => new Array<string>(columns).fill(" "));
  for (const [i, curve] of curves.entries()) {
    for (const [x, value] of curve.entries()) {
      const row = cells[ROWS - 1 - Math.round(scale.at(value) * (ROWS - 1))]!;
      row[x] = row[x] === " " ? letters[i]! : "*";
    }
  }
  return cells.map((row) => row.join(""));
}

/** The value at a row's height where a tick of the scale is nearest to it. */
function axisLabel(scale: ValueScale, row: number): string {
  const tick = scale.ticks.find(
    (value) => ROWS - 1 - Math.round(scale.at(value) * (ROWS - 1)) === row,
  );
  return (tick === undefined ? "" : humanTime(tick)).padStart(AXIS_COLUMNS);
}

function tickLine(nines: number, columns: number): string {
  let line = "";
  for (const tick of percentileTicks(nines)) {
    const x = Math.round((tick.nines / nines) * (columns - 1));
    const label = `${tick.label} %`;
    const at = Math.min(x, columns - label.length);
    if (at > line.length || line === "") line = line.padEnd(at) + label;
  }
  return line;
}
