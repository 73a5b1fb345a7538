import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const text = readFileSync(new URL("docs/rules.md", ROOT), "utf8");
const rows = /<!-- rules -->\n(.*)\n<!-- \/rules -->/s
  .exec(text)![1]!
  .split("\n")
  .slice(2)
  .map((line) => line.slice(2, -2).split(" | "));

const bare = (cell: string) => cell.replaceAll("`", "");

/** Files of the engine, by what they say. */
function source(path: string): string {
  const url = new URL(`src/engine/${path}`, ROOT);
  return existsSync(url) ? readFileSync(url, "utf8") : "";
}

describe("docs/rules.md", () => {
  test("has every number once", () => {
    expect(rows.map(([no]) => Number(no))).toEqual(Array.from({ length: 55 }, (_, i) => i + 1));
  });

  test.each(rows.map((row) => [row[0]!, row] as const))("rule %s is where it says", (_no, row) => {
    const [path, name] = bare(row[2]!).split(" ");
    expect(source(path!)).toMatch(new RegExp(`\\b${name}\\b`));
    expect(row[3]).toMatch(/^(each|audit|made|each, audit)$/);
    expect(existsSync(new URL(`test/${bare(row[4]!)}`, ROOT))).toBe(true);
  });

  test("says of each number that is thrown that it is looked for", () => {
    const looked = new Set(rows.filter((row) => row[3] !== "made").map(([no]) => Number(no)));
    const files = [
      "page-pool/pool-audit.ts",
      "page-pool/pool-release.ts",
      "page-pool/page-pool.ts",
      "page-pool/pool-table.ts",
      "ledger/ledger.ts",
      "provider/zcrx-instance.ts",
      "provider/zcrx-area.ts",
      "provider/devmem.ts",
      "driver/netdev.ts",
      "tcp/streams.ts",
      "tcp/tcp-stack.ts",
      "tcp/memory-pressure.ts",
    ];
    const thrown = files.flatMap((path) => {
      const calls = source(path).matchAll(/(?:check|fail|InvariantViolation)\([^;]*?, ?(\d+), /gs);
      return [...calls].map(([, no]) => Number(no));
    });
    expect(thrown.length).toBeGreaterThan(20);
    expect(thrown.filter((no) => !looked.has(no))).toEqual([]);
  });
});
