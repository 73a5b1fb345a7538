import { grid } from "./grid.js";
import { grouped, humanBytes } from "./numbers.js";
import type { Style } from "./style.js";

/** One line a saved baseline. */
export function baselineTable(
  entries: ReadonlyArray<{
    readonly name: string;
    readonly captures: number;
    readonly series: number;
    readonly bytes: number;
    readonly host: boolean;
    readonly file: string;
  }>,
  style: Style,
): string {
  const head = ["baseline", "captures", "series", "size", "host time", "file"];
  const rows = entries.map(({ name, captures, series, bytes, host, file }) => [
    name,
    grouped(captures),
    grouped(series),
    humanBytes(bytes),
    host ? "yes" : "no",
    file,
  ]);
  return grid(
    [head.map((text) => style.bold(text)), ...rows],
    ["left", "right", "right", "right", "left", "left"],
  );
}
