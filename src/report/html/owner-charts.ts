import { toDouble } from "../../replay/record/json-number.js";
import { OWNERS, type Owner } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import type { OwnerPoint } from "../../replay/record/series-schema.js";
import { linearScale, pointAt, type ValueScale } from "../chart/scale.js";
import { grouped, humanTime } from "../table/numbers.js";
import { runName } from "../table/run-name.js";
import { type Area, axisTime, heightAt, placeAxis, plotArea, valueAxis } from "./axes.js";
import { figure } from "./figure.js";
import { coordinate, type Markup, section, table } from "./markup.js";

const HEIGHT = 320;
const ALL = plotArea(12, 148);
const OUT = plotArea(180, 280);
/** Part of the width that shows what is left once everything was closed. */
const TAIL = 0.05;
/** Places in time that a chart has at most. */
const PLACES = 180;

/** From the bottom of the stack: those first whose growth shows a leak. */
const STACKED: readonly Owner[] = ["app", "fallback", "stack", "driver", "poolRing", "poolCache"];
/** Outside both pool and driver. */
const OUTSIDE: readonly Owner[] = ["app", "fallback", "stack"];

/** Owners over time: one chart a run, on the same scales. */
export function ownerSection({ runs }: NetmemRecord, id: string): Markup {
  const shown = runs.filter((run) => (run.owners ?? []).length > 1);
  if (shown.length === 0) return "";
  const all = linearScale(Math.max(...shown.map((run) => peak(run, STACKED))));
  const outside = linearScale(Math.max(...shown.map((run) => peak(run, OUTSIDE)), 1));
  const charts = shown.map((run) => ownerFigure(run, id, all, outside)).join("");
  return section(
    `${id}-owners`,
    "Owners over time",
    "<p>Who held the provider's netmems. Above: all of them. Below: those outside pool and " +
      "driver, on a scale of their own. What is left on the far right, after the teardown, is a " +
      "leak.</p>" +
      `<div class="charts">${charts}${ownerTable(shown)}</div>`,
  );
}

function ownerFigure(run: RunRecord, id: string, all: ValueScale, outside: ValueScale): Markup {
  const points = run.owners!;
  const owners = STACKED.filter((owner) => peak(run, [owner]) > 0);
  const endNs = Math.max(toDouble(points.at(-1)!.timeNs), 1);
  const width = ALL.right - ALL.left;
  const xAt = (timeNs: number) => ALL.left + (timeNs / endNs) * width * (1 - TAIL);
  const sampled = samples(points, endNs);
  const xs = sampled.map((point) => xAt(toDouble(point.timeNs)));
  const closed = coordinate(xAt(endNs));
  const ticks = linearScale(endNs).ticks.filter((tick) => tick <= endNs);
  const few = ticks.filter((_, i) => ticks.length < 5 || i % 2 === 0);
  const axis = few.map((tick) => ({ x: xAt(tick), label: axisTime(tick) }));
  const marks =
    valueAxis(ALL, all, (value) => grouped(value)) +
    stack(ALL, all, STACKED, sampled, xs) +
    valueAxis(OUT, outside, (value) => grouped(value)) +
    stack(OUT, outside, OUTSIDE, sampled, xs) +
    `<path class="closed" d="M${closed} ${ALL.top}V${ALL.bottom}"/>` +
    `<path class="closed" d="M${closed} ${OUT.top}V${OUT.bottom}"/>` +
    placeAxis(OUT, axis) +
    `<text class="tick" x="${OUT.left}" y="${OUT.top - 8}">outside pool and driver</text>` +
    `<text class="tick mid" x="${(ALL.left + ALL.right) / 2}" y="${HEIGHT - 6}">model time</text>`;
  return figure({
    id: `${id}-owners-${runName(run).replace(/[^\w-]/g, "_")}`,
    title: `${runName(run)}: netmems by owner`,
    description: describe(run),
    height: HEIGHT,
    series: owners.map((owner) => ({ name: owner, style: `o-${owner}` })),
    marks,
    readout: {
      along: "x",
      // What is left is asked for where it is shown, behind the teardown.
      at: xs.map((x, i) => (i === xs.length - 1 ? (x + ALL.right) / 2 : x)),
      heads: sampled.map((point, i) =>
        i === sampled.length - 1 ? "after the teardown" : humanTime(point.timeNs),
      ),
      values: owners.map((owner) => sampled.map((point) => toDouble(point[owner]))),
      unit: "",
    },
    cursor: [ALL.top, OUT.bottom],
  });
}

/** The points themselves, or the state at even times where there are too many. */
function samples(points: readonly OwnerPoint[], endNs: number): readonly OwnerPoint[] {
  if (points.length <= PLACES) return points;
  const grid = Array.from({ length: PLACES - 1 }, (_, i) => {
    const timeNs = Math.round((i / (PLACES - 1)) * endNs);
    return { ...pointAt(points, timeNs), timeNs };
  });
  return [...grid, points.at(-1)!];
}

/** Areas from the highest sum to the lowest, each painted over the one before. */
function stack(
  area: Area,
  scale: ValueScale,
  owners: readonly Owner[],
  points: readonly OwnerPoint[],
  xs: readonly number[],
): Markup {
  return owners
    .map((owner, i) => {
      const below = owners.slice(0, i + 1);
      if (points.every((point) => toDouble(point[owner]) === 0)) return "";
      let path = `M${coordinate(xs[0]!)} ${area.bottom}`;
      let before = "";
      for (const [k, point] of points.entries()) {
        const sum = below.reduce((total, each) => total + toDouble(point[each]), 0);
        const y = coordinate(heightAt(area, scale, sum));
        if (y !== before) path += `H${coordinate(xs[k]!)}V${y}`;
        before = y;
      }
      return `<path class="area o-${owner}" d="${path}H${area.right}V${area.bottom}Z"/>`;
    })
    .reverse()
    .join("\n");
}

function describe(run: RunRecord): string {
  const last = run.owners!.at(-1)!;
  const most = STACKED.filter((owner) => peak(run, [owner]) > 0).map(
    (owner) => `${owner} at most ${grouped(peak(run, [owner]))}`,
  );
  const left = OWNERS.filter((owner) => toDouble(last[owner]) > 0).map(
    (owner) => `${owner} ${grouped(last[owner])}`,
  );
  const end = left.length === 0 ? "nobody holds any" : `left: ${left.join(", ")}`;
  return `${most.join(", ")}. After the teardown ${end}.`;
}

function peak(run: RunRecord, owners: readonly Owner[]): number {
  const sums = run.owners!.map((point) =>
    owners.reduce((sum, owner) => sum + toDouble(point[owner]), 0),
  );
  return Math.max(...sums);
}

function ownerTable(runs: readonly RunRecord[]): Markup {
  const head = ["", ...runs.flatMap(({ provider }) => [`${provider} mean`, "peak", "left"])];
  const rows = OWNERS.map((owner) => [
    owner,
    ...runs.flatMap((run) => [
      mean(run.owners!, owner).toFixed(1),
      grouped(peak(run, [owner])),
      grouped(run.owners!.at(-1)![owner]),
    ]),
  ]);
  return table("netmems by owner: mean over model time, peak, left at the end", head, rows);
}

/** Mean over time: each point holds until the next one. */
function mean(points: readonly OwnerPoint[], owner: Owner): number {
  const endNs = toDouble(points.at(-1)!.timeNs);
  if (endNs === 0) return toDouble(points[0]![owner]);
  const weighted = points.slice(0, -1).reduce((sum, point, i) => {
    const lastsNs = toDouble(points[i + 1]!.timeNs) - toDouble(point.timeNs);
    return sum + toDouble(point[owner]) * lastsNs;
  }, 0);
  return weighted / endNs;
}
