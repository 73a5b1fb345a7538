import type { ComparisonShard } from "../../replay/record/comparison-shard-schema.js";
import { grid } from "./grid.js";
import { counted } from "./numbers.js";
import type { Detail } from "./record-table.js";
import type { Style } from "./style.js";

/** What a machine has replayed of a comparison: its cells and how often, and what comes next. */
export function shardTable(
  { shard, matrix, trials }: ComparisonShard,
  detail: Detail,
  style: Style,
): string {
  if (detail === "quiet") return "";
  const { captures, columns } = matrix;
  const times = new Map<number, number>();
  for (const { column, capture } of trials) {
    const cell = capture * columns.length + column;
    times.set(cell, (times.get(cell) ?? 0) + 1);
  }
  const rows = [...times]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]) => [
      columns[cell % columns.length]!.label,
      captures[Math.floor(cell / columns.length)]!,
      counted(count, "replay"),
    ]);
  const all = `${captures.length * columns.length} cells`;
  const split = `${counted(captures.length, "capture")} in ${counted(columns.length, "column")}`;
  return [
    `${style.bold(`shard ${shard.index} of ${shard.count}`)}  ${rows.length} of ${all}: ${split}`,
    ...(rows.length === 0 ? [] : [grid(rows, ["left", "left", "right"])]),
    style.dim("netmem merge compares when every shard is there (--export json=FILE)"),
  ].join("\n\n");
}
