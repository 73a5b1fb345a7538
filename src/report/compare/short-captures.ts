import { type Comparison, type ComparisonRow, rowName } from "./comparison.js";

/** Paths without the folders that all of them lie in. */
export function shortPaths(paths: readonly string[]): ReadonlyMap<string, string> {
  const parts = paths.map((path) => path.split("/"));
  const [first] = parts;
  let common = 0;
  const inAll = (folder: string) =>
    parts.every((each) => each.length > common + 1 && each[common] === folder);
  while (first !== undefined && inAll(first[common]!)) common++;
  return new Map(paths.map((path, i) => [path, parts[i]!.slice(common).join("/")]));
}

/** Names of rows for a person: captures without the folders that all of them lie in. */
export function shortRowNames({ captures }: Comparison): (row: ComparisonRow) => string {
  const short = shortPaths(captures.map(({ path }) => path));
  return (row) => {
    const { capture } = row.tags;
    if (capture === undefined) return rowName(row);
    return rowName({ ...row, tags: { ...row.tags, capture: short.get(capture) ?? capture } });
  };
}
