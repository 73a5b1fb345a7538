import type { SizeDocument, SizePoint } from "../../replay/record/size.js";
import type { Face } from "../chart/face.js";
import { sizeChart } from "../chart/size-chart.js";
import { type Alignment, grid } from "./grid.js";
import { counted, grouped, humanBytes, humanTime } from "./numbers.js";
import type { Style } from "./style.js";

const HEAD = ["ring", "area", "netmems", "NIC drops", "TCP drops", "zero windows", "delivered"];
const ALIGNED: readonly Alignment[] = HEAD.map(() => "right");

/** The answer of a search, every replay in a row, and the curve of area to drops as bars. */
export function sizeTable(document: SizeDocument, face: Face, style: Style): string {
  const { capture, answer, points, provider, driver, queues, holdNs } = document;
  const rows = points.map((point) => row(point, document, style));
  const curve = answer === null ? [] : pointsNear(points, answer);
  const blocks = [
    [
      style.bold(capture.path),
      `${counted(capture.packets, "packet")}, ${provider} on ${driver}, ` +
        `${counted(queues, "queue")}, held for ${humanTime(holdNs)}`,
    ].join("\n"),
    answerLine(document, style),
    grid([HEAD.map((text) => style.dim(text)), ...rows], ALIGNED),
    ...(answer === null
      ? []
      : [
          `packets dropped by area, ring ${grouped(answer.ring)}\n` +
            sizeChart(curve, answer.netmems, face),
        ]),
    style.dim(document.reproduce),
  ];
  return blocks.join("\n\n");
}

/** What the bars show: the answer's ring, up to twice its area. */
function pointsNear(
  points: readonly SizePoint[],
  answer: NonNullable<SizeDocument["answer"]>,
): SizePoint[] {
  return points.filter(
    ({ ring, netmems }) => ring === answer.ring && netmems <= 2 * answer.netmems,
  );
}

function answerLine({ answer, reason, queues, points }: SizeDocument, style: Style): string {
  const replays = `${counted(points.length, "replay")}`;
  if (answer === null) return style.red(`! no size without drops: ${reason} (${replays})`);
  const { areaBytes, netmems, ring } = answer;
  return style.green(
    `smallest without drops: ring ${grouped(ring)} (${counted(queues, "queue")}), area ` +
      `${humanBytes(areaBytes)} = ${counted(netmems, "netmem")} (${replays})`,
  );
}

function row(point: SizePoint, { answer }: SizeDocument, style: Style): string[] {
  const { ring, areaBytes, netmems, drops, socketDrops, zeroWindows, deliveredBytes } = point;
  const size = [grouped(ring), humanBytes(areaBytes), grouped(netmems)];
  if (point.refused) return [...size, "refused", "-", "-", "-"];
  const cells = [
    ...size,
    grouped(drops),
    grouped(socketDrops),
    grouped(zeroWindows),
    grouped(deliveredBytes),
  ];
  const best = answer !== null && ring === answer.ring && netmems === answer.netmems;
  return best ? cells.map((cell) => style.bold(cell)) : cells;
}
