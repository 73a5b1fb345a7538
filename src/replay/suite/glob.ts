import { normalize } from "node:path";

/** Characters that make a path a pattern. */
const SPECIAL = /[*?[{]/;

/** Whether a path is a pattern. */
export function isGlob(path: string): boolean {
  return SPECIAL.test(path);
}

/** The deepest folder of a pattern that holds no special character: where to look. */
export function globRoot(path: string): string {
  const parts = path.split("/");
  const first = parts.findIndex((part) => SPECIAL.test(part));
  const fixed = parts.slice(0, first).join("/");
  return fixed === "" ? (path.startsWith("/") ? "/" : ".") : fixed;
}

/**
 * A pattern as a regular expression over normalised paths: `*` and `?` within a name, `**` over
 * folders, `[a-z]` and `[!a-z]`, `{a,b}`.
 */
export function globPattern(path: string): RegExp {
  const text = normalize(path);
  let source = "";
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (text.startsWith("**/", i)) {
      source += "(?:[^/]+/)*";
      i += 2;
    } else if (text.startsWith("**", i)) {
      source += ".*";
      i++;
    } else if (c === "*") source += "[^/]*";
    else if (c === "?") source += "[^/]";
    else if (c === "[" && text.indexOf("]", i + 2) > 0) {
      const end = text.indexOf("]", i + 2);
      const inner = text.slice(i + 1, end).replaceAll("\\", "\\\\");
      source += inner.startsWith("!") ? `[^/${inner.slice(1)}]` : `[${inner}]`;
      i = end;
    } else if (c === "{") {
      source += "(?:";
      depth++;
    } else if (c === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (c === "," && depth > 0) source += "|";
    else source += c.replace(/[.+^$()|\\[\]{}]/, "\\$&");
  }
  return new RegExp(`^${source}${")".repeat(depth)}$`);
}
