import { toDouble } from "../../replay/record/json-number.js";
import { OWNERS, type Owner } from "../../replay/record/names.js";
import type { RunRecord } from "../../replay/record/schema.js";
import { grouped, humanTime } from "../table/numbers.js";
import { runName } from "../table/run-name.js";
import type { Face } from "./face.js";
import { pointAt } from "./scale.js";

/** Block characters from one eighth to full (U+2581 to U+2588). */
const BLOCKS = ["\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"];
const ASCII = [".", ":", "-", "=", "+", "*", "%", "#"];
const LABEL_COLUMNS = 10;

/**
 * Who held the netmems of one run over model time: one line an owner, each on its own scale from 0
 * to its peak, since the driver holds thousands while an application holds a few.
 */
export function ownerChart(run: RunRecord, { width, blocks }: Face): string {
  const points = run.owners ?? [];
  if (points.length < 2) return "";
  const endNs = toDouble(points.at(-1)!.timeNs);
  const levels = blocks ? BLOCKS : ASCII;
  const held = OWNERS.filter((owner) => points.some((point) => toDouble(point[owner]) > 0));
  const peaks = held.map((owner) => Math.max(...points.map((point) => toDouble(point[owner]))));
  const figures = held.map((owner, i) => {
    const left = grouped(points.at(-1)![owner]);
    return `  peak ${grouped(peaks[i]!)}, end ${left}`;
  });
  const columns = width - LABEL_COLUMNS - 2 - Math.max(...figures.map((text) => text.length), 0);
  if (columns < 10) return "";
  const lines = held.map((owner, i) => {
    const marks = sampled(run, owner, columns, endNs).map((count) =>
      mark(count, peaks[i]!, levels),
    );
    return `  ${owner.padEnd(LABEL_COLUMNS)}${marks.join("")}${figures[i]}`;
  });
  return [`netmems by owner, ${runName(run)}, 0 to ${humanTime(endNs)}`, ...lines].join("\n");
}

/** The most that an owner held in each of `columns` equal parts of the run. */
function sampled(run: RunRecord, owner: Owner, columns: number, endNs: number): number[] {
  const points = run.owners!;
  const most = Array.from({ length: columns }, (_, x) =>
    toDouble(pointAt(points, (x / columns) * endNs)[owner]),
  );
  for (const point of points) {
    const x = Math.min(Math.floor((toDouble(point.timeNs) / endNs) * columns), columns - 1);
    // The last point stands behind the end of the run.
    if (point === points.at(-1)) most[x] = toDouble(point[owner]);
    else most[x] = Math.max(most[x]!, toDouble(point[owner]));
  }
  return most;
}

function mark(count: number, peak: number, levels: readonly string[]): string {
  if (count === 0) return " ";
  return levels[Math.min(Math.ceil((count / peak) * levels.length), levels.length) - 1]!;
}
