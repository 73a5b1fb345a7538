import { toDouble } from "../../replay/record/json-number.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import type { AnyInterval } from "../../replay/record/series-schema.js";
import { linearScale, type ValueScale, valueScale } from "../chart/scale.js";
import { clockOf, intervalsOf } from "../intervals.js";
import { grouped, humanBytes, humanTime } from "../table/numbers.js";
import { runName } from "../table/run-name.js";
import { axisTime, heightAt, placeAxis, plotArea, valueAxis } from "./axes.js";
import { figure, runSeries } from "./figure.js";
import { coordinate, folded, type Markup, section, table } from "./markup.js";

const HEIGHT = 240;
const AREA = plotArea(12, 198);
/** Intervals that a chart or table shows at most; wider ones then stand for several. */
const SHOWN = 160;

interface Line {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly label: (value: number) => string;
  readonly of: (interval: AnyInterval) => number | null;
  readonly scale: (values: readonly number[]) => ValueScale;
}

const fromZero = (values: readonly number[]) => linearScale(Math.max(...values, 1));

const LINES: readonly Line[] = [
  {
    name: "delivered",
    title: "Bytes read by the application",
    unit: "bytes",
    label: humanBytes,
    of: (interval) => toDouble(interval.deliveredBytes),
    scale: fromZero,
  },
  {
    name: "p99",
    title: "Latency, arrival to read, 99th percentile",
    unit: "ns",
    label: (value) => humanTime(value),
    of: ({ deliver }) => (toDouble(deliver.count) === 0 ? null : toDouble(deliver.p99)),
    scale: valueScale,
  },
];

/** What a chart says of the clock that its runs were cut by. */
const CLOCKS = {
  model: "the model's clock",
  kernel: "the machine's own clock, which is another one each time",
} as const;

/** With --interval: what happened when. Runs on unlike clocks never share a chart. */
export function intervalSection(record: NetmemRecord, id: string): Markup {
  const { runs, config } = record;
  const length = humanTime(config.intervalNs ?? 0);
  const parts = (["model", "kernel"] as const).map((clock) => {
    const shown = runs.filter((run) => intervalsOf(run).some((each) => clockOf(each) === clock));
    return shown.length === 0
      ? ""
      : clockPart(
          shown,
          stylesOf(runs, shown),
          clock,
          length,
          clock === "model" ? id : `${id}-${clock}`,
        );
  });
  const body = parts.join("");
  return body === "" ? "" : section(`${id}-intervals`, "Over time", body);
}

/** Places of some runs in the record: a run has one colour on the whole page. */
function stylesOf(runs: readonly RunRecord[], shown: readonly RunRecord[]): number[] {
  return shown.map((run) => runs.indexOf(run));
}

function clockPart(
  shown: readonly RunRecord[],
  styles: readonly number[],
  clock: keyof typeof CLOCKS,
  length: string,
  id: string,
): Markup {
  const times = [
    ...new Set(shown.flatMap((run) => intervalsOf(run).map(({ startNs }) => toDouble(startNs)))),
  ].sort((a, b) => a - b);
  const kept = times.slice(0, SHOWN);
  const cut = times.length - kept.length;
  const note = cut === 0 ? "" : ` The first ${SHOWN} of ${grouped(times.length)} are shown.`;
  const charts = LINES.map((line) => lineFigure(line, shown, kept, id, styles)).join("");
  return (
    `<p>Intervals of ${length} of ${CLOCKS[clock]}.${note}</p><div class="charts">${charts}</div>` +
    folded(`Intervals of ${CLOCKS[clock]} as a table`, intervalTable(shown, kept))
  );
}

function lineFigure(
  line: Line,
  runs: readonly RunRecord[],
  times: readonly number[],
  id: string,
  styles: readonly number[],
): Markup {
  const series = runSeries(runs.map(runName), styles);
  const values = runs.map((run) => {
    const byTime = new Map(intervalsOf(run).map((each) => [toDouble(each.startNs), each]));
    return times.map((time) => {
      const interval = byTime.get(time);
      return interval === undefined ? null : line.of(interval);
    });
  });
  const scale = line.scale(values.flat().filter((value) => value !== null));
  const first = times[0]!;
  const span = Math.max(times.at(-1)! - first, 1);
  const xs = times.map(
    (time) => AREA.left + 6 + ((time - first) / span) * (AREA.right - AREA.left - 12),
  );
  const marks = values.map((row, i) => {
    const points = row.flatMap((value, k) =>
      value === null ? [] : [`${coordinate(xs[k]!)} ${coordinate(heightAt(AREA, scale, value))}`],
    );
    const style = series[i]!.style;
    const dots = points.length > 40 ? "" : points.map((at) => `M${at}h0`).join("");
    const dotted = dots === "" ? "" : `<path class="dots ${style}" d="${dots}"/>`;
    return `<path class="curve ${style}" d="M${points.join("L")}"/>${dotted}`;
  });
  const ends = times.length === 1 ? [0] : [0, times.length - 1];
  return figure({
    id: `${id}-interval-${line.name}`,
    title: line.title,
    description: runs
      .map((run, i) => {
        const known = values[i]!.filter((value) => value !== null);
        if (known.length === 0) return `${runName(run)}: none`;
        const [low, high] = [Math.min(...known), Math.max(...known)];
        return `${runName(run)}: from ${line.label(low)} to ${line.label(high)}`;
      })
      .join("; "),
    height: HEIGHT,
    series,
    marks:
      valueAxis(AREA, scale, line.label) +
      placeAxis(
        AREA,
        ends.map((k) => ({ x: xs[k]!, label: axisTime(times[k]!) })),
      ) +
      marks.join("\n"),
    readout: { along: "x", at: xs, heads: times.map(humanTime), values, unit: line.unit },
    cursor: [AREA.top, AREA.bottom],
  });
}

function intervalTable(runs: readonly RunRecord[], times: readonly number[]): Markup {
  const kept = new Set(times);
  const rows = runs.flatMap((run) =>
    intervalsOf(run)
      .filter(({ startNs }) => kept.has(toDouble(startNs)))
      .map((each) => [
        `${runName(run)}, ${humanTime(each.startNs)}`,
        grouped(each.packets),
        grouped(each.bytes),
        grouped(each.deliveredBytes),
        grouped(each.drops),
        toDouble(each.deliver.count) === 0 ? "-" : humanTime(each.deliver.p50),
        toDouble(each.deliver.count) === 0 ? "-" : humanTime(each.deliver.p99),
      ]),
  );
  return table("intervals", ["", "packets", "bytes", "read, bytes", "drops", "p50", "p99"], rows);
}
