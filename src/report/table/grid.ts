import Table from "cli-table3";

/** Where a column's cells stand. */
export type Alignment = "left" | "right";

/** No lines, two spaces between columns: what a terminal, a pipe and a diff all show well. */
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/**
 * Rows of cells as aligned columns, without trailing blanks. cli-table3 paints heads and borders
 * whatever NO_COLOR says, so its styles are empty; cells bring their own colour.
 */
export function grid(
  rows: ReadonlyArray<readonly string[]>,
  alignments: readonly Alignment[],
): string {
  const table = new Table({
    chars: NO_LINES,
    colAligns: [...alignments],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Length of the longest line, without what only paints. */
export function widest(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  const plain = text.replace(/\u001b\[[0-9;]*m/g, "");
  return Math.max(...plain.split("\n").map((line) => line.length));
}
