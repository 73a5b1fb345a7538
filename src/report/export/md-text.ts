/** Text that Markdown must show as it is, within a table cell too: no markup, no mention. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|~#]/g, (char) => `\\${char}`)
    .replaceAll("@", "@&#8203;");
}

/** Text as code, within a table cell too. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, " ").replaceAll("|", "\\|");
  if (!line.includes("`")) return `\`${line}\``;
  return `\`\` ${line} \`\``;
}

/** A fenced block whose fence is longer than any run of backticks in it. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** A table; cells are Markdown already. The first column is text, the others are figures. */
export function mdTable(
  head: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  textColumns = 1,
): string {
  const rule = head.map((_, i) => (i < textColumns ? ":--" : "--:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What can be opened with a click. */
export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
