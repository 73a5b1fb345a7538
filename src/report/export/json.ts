import type { Subject } from "./subject.js";

/** A point of a series, from its brace to the one below it: an object that begins with a time. */
const POINT = /^( +)\{\n +"(?:time|start)Ns": [\s\S]*?\n\1\}/gm;
/** Rows written at a time. */
const CHUNK_ROWS = 4096;

/**
 * A document as netmem prints and exports it: indented JSON, one newline at the end. A point of a
 * series stands on one line, which keeps a record readable and a quarter of its length. JSON has no
 * line breaks in strings, so the pattern meets structure only.
 *
 * It comes in parts: the rows of `streams`, of which a capture of a million connections has two
 * million, make more text than one string can hold.
 */
export function* documentChunks(document: unknown): Generator<string> {
  const lists: unknown[][] = [];
  const mark = (key: string, value: unknown) => {
    if (key !== "streams" || !Array.isArray(value) || value.length === 0) return value;
    return `\u0000${lists.push(value) - 1}`;
  };
  const indented = JSON.stringify(document, mark, 2);
  const text = indented.replace(POINT, (whole) => whole.replace(/\n +/g, " "));
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

/** The same as one text. */
export function documentText(document: unknown): string {
  return [...documentChunks(document)].join("");
}

/** One document as it is; several as an array. */
export function exportJson({ documents }: Pick<Subject, "documents">): string {
  return documentText(documents.length === 1 ? documents[0] : documents);
}
