import { toDouble } from "../../replay/record/json-number.js";
import { STAGES, type Stage } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { lastNines, ninesOf, percentileAt, percentileTicks, valueScale } from "../chart/scale.js";
import { valuesAt } from "../histogram.js";
import { grouped, humanTime } from "../table/numbers.js";
import { timedNames } from "../table/run-name.js";
import { axisTime, heightAt, placeAxis, plotArea, valueAxis } from "./axes.js";
import { figure, runSeries } from "./figure.js";
import { beside, coordinate, folded, type Markup, section, table } from "./markup.js";

const HEIGHT = 270;
const AREA = plotArea(12, 228);
/** Places of a curve, evenly on the HDR scale; those of its labels come on top. */
const PLACES = 48;

const MEANING: Readonly<Record<Stage, string>> = {
  driver: "arrival to skb handed up",
  stack: "to readable in order",
  app: "readable to read",
  hold: "read to given back",
  pool: "given back to handed out again",
  deliver: "arrival to read",
  lifetime: "handed to the driver to back in the pool",
};

/** Latency by stage: the delivery at once, the stages below it, a table of all. */
export function latencySection(record: NetmemRecord, id: string): Markup {
  const { runs } = record;
  const stages = STAGES.filter((stage) => stage !== "deliver" && hasValues(runs, stage));
  const others = stages.map((stage) => latencyFigure(runs, stage, id)).join("");
  return section(
    `${id}-latency`,
    "Latency by stage",
    beside(
      hasValues(runs, "deliver") ? latencyFigure(runs, "deliver", id) : "",
      latencyTable(runs, ["deliver"], "deliver: arrival to read"),
    ) +
      (others === "" ? "" : `<div class="charts">${others}</div>\n`) +
      folded("Every stage as a table", latencyTable(runs, STAGES, "latency by stage, ns")),
  );
}

function hasValues(runs: readonly RunRecord[], stage: Stage): boolean {
  return runs.some((run) => toDouble(run.latency[stage].count) > 0);
}

function latencyFigure(runs: readonly RunRecord[], stage: Stage, id: string): Markup {
  const counts = runs.map((run) => toDouble(run.latency[stage].count));
  const nines = lastNines(Math.max(...counts));
  const percentiles = places(nines);
  const curves = runs.map((run, i) =>
    counts[i] === 0 ? null : valuesAt(run.latency[stage], percentiles),
  );
  const scale = valueScale(curves.flatMap((curve) => curve ?? []));
  const xAt = (percentile: number) =>
    AREA.left + (ninesOf(percentile) / nines) * (AREA.right - AREA.left);
  const xs = percentiles.map(xAt);
  const series = runSeries(timedNames(runs));
  const lines = curves.map((curve, i) => {
    if (curve === null) return "";
    const points = curve.map(
      (value, k) => `${coordinate(xs[k]!)} ${coordinate(heightAt(AREA, scale, value))}`,
    );
    return `<path class="curve ${series[i]!.style}" d="M${points.join("L")}"/>`;
  });
  const ticks = percentileTicks(nines).map((tick) => ({
    x: AREA.left + (tick.nines / nines) * (AREA.right - AREA.left),
    label: `${tick.label}`,
  }));
  const middle = (AREA.left + AREA.right) / 2;
  return figure({
    id: `${id}-${stage}`,
    title: `${stage}: ${MEANING[stage]}`,
    description: describe(runs, stage),
    height: HEIGHT,
    series,
    marks:
      valueAxis(AREA, scale, axisTime) +
      placeAxis(AREA, ticks) +
      `<text class="tick mid" x="${middle}" y="${HEIGHT - 8}">percentile, each nine as wide` +
      `${scale.log ? "; time on a log scale" : ""}</text>${lines.join("\n")}`,
    readout: {
      along: "x",
      at: xs,
      heads: percentiles.map((percentile) => `${Number(percentile.toFixed(4))} %`),
      values: curves.map((curve) => curve ?? percentiles.map(() => null)),
      unit: "ns",
    },
    cursor: [AREA.top, AREA.bottom],
  });
}

/** Percentiles at which curves are drawn and read: an even grid, and every label. */
function places(nines: number): number[] {
  const grid = Array.from({ length: PLACES + 1 }, (_, i) => (i / PLACES) * nines);
  const labels = percentileTicks(nines).map((tick) => tick.nines);
  const far = grid.filter((each) => labels.every((label) => Math.abs(each - label) > 0.01));
  return [...far, ...labels]
    .sort((a, b) => a - b)
    .map((each) => Number(percentileAt(each).toFixed(6)));
}

function describe(runs: readonly RunRecord[], stage: Stage): string {
  const names = timedNames(runs);
  const each = runs.map(({ latency }, i) => {
    const { count, p50, p99, max } = latency[stage];
    if (toDouble(count) === 0) return `${names[i]}: no values`;
    const [a, b, c] = [p50, p99, max].map(humanTime);
    return `${names[i]}: median ${a}, 99 % at or below ${b}, most ${c}`;
  });
  return `${MEANING[stage]}, by percentile. ${each.join("; ")}.`;
}

function latencyTable(
  runs: readonly RunRecord[],
  stages: readonly Stage[],
  caption: string,
): Markup {
  const names = timedNames(runs);
  const rows = stages.flatMap((stage) =>
    runs.map(({ latency }, i) => {
      const { count, min, p50, p90, p99, p999, max } = latency[stage];
      const label = stages.length === 1 ? names[i]! : `${stage}, ${names[i]}`;
      const empty = toDouble(count) === 0;
      return [
        label,
        grouped(count),
        ...[min, p50, p90, p99, p999, max].map((value) => (empty ? "-" : humanTime(value))),
      ];
    }),
  );
  return table(caption, ["", "count", "min", "p50", "p90", "p99", "p99.9", "max"], rows);
}
