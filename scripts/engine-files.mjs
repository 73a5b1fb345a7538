// What the build's steps that rewrite dist/engine share: its files as syntax trees, and edits.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ENGINE = fileURLToPath(new URL("../dist/engine/", import.meta.url));

/** Every file of dist/engine: its path and its syntax tree. */
export function engineFiles() {
  return readdirSync(ENGINE, { recursive: true })
    .filter((entry) => entry.endsWith(".js"))
    .map((entry) => {
      const path = join(ENGINE, entry);
      const text = readFileSync(path, "utf8");
      return { path, source: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
    });
}

/** Writes a file with texts in the place of others: `[start, end, text]`, in any order. */
export function rewrite({ path, source }, edits) {
  if (edits.length === 0) return;
  let { text } = source;
  for (const [start, end, instead] of edits.sort((a, b) => b[0] - a[0])) {
    text = text.slice(0, start) + instead + text.slice(end);
  }
  writeFileSync(path, text);
}
