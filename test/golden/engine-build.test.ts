import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const ENGINE = fileURLToPath(new URL("../../dist/engine/", import.meta.url));

/** What the build should have taken out of a file: private names, and fields without a value. */
function leftovers(path: string): string[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, "utf8"),
    ts.ScriptTarget.ES2023,
    true,
  );
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    const bare = ts.isPropertyDeclaration(node) && node.initializer === undefined;
    if (bare || ts.isPrivateIdentifier(node)) found.push(`${path}: ${node.getText()}`);
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

it("leaves the engine's classes neither private names nor fields without a value", () => {
  const files = readdirSync(ENGINE, { recursive: true, encoding: "utf8" });
  const scripts = files.filter((file) => file.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(200);
  expect(scripts.flatMap((file) => leftovers(join(ENGINE, file)))).toEqual([]);
});

it("bounds the number of a record where it becomes a place, and nowhere else", () => {
  const slab = readFileSync(join(ENGINE, "skb/skb-slab.js"), "utf8");
  expect(slab).toContain("const at = (skb & 67108863) * 24;");
  expect(slab).toContain("const f = (frag & 536870911) * 4;");
  const table = readFileSync(join(ENGINE, "tcp/receive-queue.js"), "utf8");
  expect(table).toContain("const at = (sock & 67108863) << 5;");
  const states = readFileSync(join(ENGINE, "ledger/ledger.js"), "utf8");
  expect(states).toContain("[from * 16 + to]");
});
