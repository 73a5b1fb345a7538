import { toDouble } from "../../replay/record/json-number.js";
import type { SizePoint } from "../../replay/record/size.js";
import { grouped, humanBytes } from "../table/numbers.js";
import type { Face } from "./face.js";

const FULL = "\u2588";
const LEAST_COLUMNS = 10;

/** Drops by area as bars, one line a size, smallest first; `=` marks the answer. */
export function sizeChart(
  points: readonly SizePoint[],
  answer: number | null,
  { width, blocks }: Face,
): string {
  const most = Math.max(...points.map(({ drops }) => toDouble(drops)), 1);
  const labels = points.map(({ areaBytes }) => humanBytes(areaBytes));
  const wide = Math.max(...labels.map((label) => label.length));
  const figures = points.map(({ drops, refused }) => (refused ? "refused" : grouped(drops)));
  const room = Math.max(...figures.map((text) => text.length));
  const columns = Math.max(width - wide - room - 8, LEAST_COLUMNS);
  const lines = points.map(({ drops, netmems }, i) => {
    const share = toDouble(drops) / most;
    const cells = share > 0 ? Math.max(1, Math.round(share * columns)) : 0;
    const bar = (blocks ? FULL : "#").repeat(cells);
    const mark = netmems === answer ? "=" : " ";
    const label = `${labels[i]!.padStart(wide)}  ${figures[i]!.padStart(room)}`;
    return `  ${mark} ${label}  ${bar}`.trimEnd();
  });
  return lines.join("\n");
}
