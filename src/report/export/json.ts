/** Rows written at a time. */
const CHUNK_ROWS = 4096;

/**
 * Any document as netmem prints and exports it: indented by two, a line feed at its end. In parts,
 * since the rows of `streams`, of which a capture of a million connections has two
 * million, make more text than one string can hold.
 */
export function* documentChunks(document: unknown): Generator<string> {
  const lists: unknown[][] = [];
  const mark = (key: string, value: unknown) => {
    if (key !== "streams" || !Array.isArray(value) || value.length === 0) return value;
    return `\u0000${lists.push(value) - 1}`;
  };
  const text = JSON.stringify(document, mark, 2);
  // JSON writes the mark's first character as an escape, which no name or address holds.
  const parts = text.split(/"\\u0000(\d+)"/);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) yield i === parts.length - 1 ? `${part}\n` : part;
    else yield* rowsOf(lists[Number(part)]!, indentBehind(parts[i - 1]!));
  }
}

/** Spaces in front of the line that a text ends with. */
function indentBehind(text: string): string {
  return /^ */.exec(text.slice(text.lastIndexOf("\n") + 1))![0];
}

/** A list of rows as JSON.stringify would indent it. */
function* rowsOf(rows: readonly unknown[], indent: string): Generator<string> {
  yield "[";
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const chunk = rows.slice(from, from + CHUNK_ROWS);
    const lines = chunk.map((row) =>
      `\n${JSON.stringify(row, null, 2)}`.replaceAll("\n", `\n${indent}  `),
    );
    yield (from > 0 ? "," : "") + lines.join(",");
  }
  yield `\n${indent}]`;
}
