import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, EXIT_MEANING } from "../../src/replay/error.js";
import { environmentTwin, FLAG_NAMES, FLAGS } from "../../src/replay/plan/flags.js";
import { RUN_JS, runShell } from "./run-cli.js";

/**
 * The README's blocks that come from the code. Each stands between `<!-- name -->` and
 * `<!-- /name -->`; with UPDATE_README=1 the blocks are written instead of compared.
 */
const README = new URL("../../README.md", import.meta.url);
const UPDATE = process.env.UPDATE_README === "1";

const cells = (row: readonly string[]) => `| ${row.join(" | ")} |`;

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [head, head.map(() => "---"), ...rows].map(cells).join("\n");
}

function flagTable(): string {
  const rows = FLAG_NAMES.map((name) => {
    const { value, fallback, help } = FLAGS[name];
    const shown = value === "" ? `--${name}` : `--${name} ${value.replaceAll("|", "\\|")}`;
    return [
      `\`${shown}\``,
      fallback === null ? "" : `\`${fallback}\``,
      help,
      environmentTwin(name),
    ];
  });
  return table(["flag", "default", "meaning", "environment"], rows);
}

/** The first command line of the README that replays, without the installation. */
function replayLine(text: string): string {
  return /\.\/bin\/run\.js (replay [^\n`]+)/.exec(text)![1]!;
}

function replayOutput(text: string): string {
  const { stdout, stderr } = runShell(`netmem ${replayLine(text)}`);
  expect(stderr).toBe("");
  return `\`\`\`\n${stdout.trimEnd()}\n\`\`\``;
}

/** Output without what differs each time: the host clock's figures and the commit. */
function stable(block: string): string {
  return block
    .replace(/^host clock\n(?: {2}.*\n)*/m, (section) =>
      section.replace(/^( {2}\S+(?: \S+)*).*$/gm, "$1"),
    )
    .replace(/ commit [0-9a-f]+,/, ",");
}

function blockOf(text: string, name: string): string {
  const [, block] = new RegExp(`<!-- ${name} -->\\n(.*?)\\n?<!-- /${name} -->`, "s").exec(text)!;
  return block!;
}

const BLOCKS: ReadonlyArray<readonly [name: string, make: (text: string) => string]> = [
  ["output: replay", replayOutput],
  ["flags", flagTable],
  [
    "exit codes",
    () =>
      table(
        ["code", "meaning"],
        EXIT_MEANING.map(([c, m]) => [String(c), m]),
      ),
  ],
  [
    "error codes",
    () =>
      table(
        ["error", "exit code"],
        Object.entries(ERROR_CODES).map(([n, c]) => [`\`${n}\``, `${c}`]),
      ),
  ],
];

describe("the README", () => {
  it.each(BLOCKS)("has the block %s as the code makes it", (name, make) => {
    const text = readFileSync(README, "utf8");
    const made = make(text);
    if (UPDATE) {
      const old = new RegExp(`<!-- ${name} -->.*<!-- /${name} -->`, "s");
      const block = `<!-- ${name} -->\n${made}\n<!-- /${name} -->`;
      writeFileSync(
        README,
        text.replace(old, () => block),
      );
      return;
    }
    expect(stable(blockOf(text, name))).toBe(stable(made));
  });

  it("has command lines that run", () => {
    const text = readFileSync(README, "utf8");
    const lines = [...text.matchAll(/^(?:npm ci && )?\.\/bin\/run\.js (.*)$/gm)].map((m) => m[1]!);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) {
      const { stderr, code } = runShell(`netmem ${line} >/dev/null`);
      expect({ line, stderr, code }).toEqual({ line, stderr: "", code: 0 });
    }
    expect(RUN_JS).toMatch(/bin\/run\.js$/);
  });

  it("has one command that installs and replays, and one that installs and tests", () => {
    const text = readFileSync(README, "utf8");
    expect(text.match(/^npm ci && \.\/bin\/run\.js replay fixtures\//gm)).toHaveLength(1);
    expect(text.match(/^npm ci && npm test$/gm)).toHaveLength(1);
  });
});
