import type { Subject } from "./subject.js";

/** A point of a series, from its brace to the one below it: an object that begins with a time. */
const POINT = /^( +)\{\n +"(?:time|start)Ns": [\s\S]*?\n\1\}/gm;

/**
 * A document as netmem prints and exports it: indented JSON, one newline at the end. A point of a
 * series stands on one line, which keeps a record readable and a quarter of its length. JSON has no
 * line breaks in strings, so the pattern meets structure only.
 */
export function documentText(document: unknown): string {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  return text.replace(POINT, (whole) => whole.replace(/\n +/g, " "));
}

/** One document as it is; several as an array. */
export function exportJson({ documents }: Subject): string {
  return documentText(documents.length === 1 ? documents[0] : documents);
}
