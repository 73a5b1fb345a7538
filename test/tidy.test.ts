import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  beyondAscii,
  deadFiles,
  FILE_RULES,
  forbiddenWords,
  impureEngine,
  longFiles,
  longFunctions,
  longLines,
  reminders,
  type Source,
  undocumented,
} from "./support/tidy.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Folders that hold what was installed or built. */
const NOT_OURS = new Set(["node_modules", "dist", "coverage", ".git"]);

function walk(): string[] {
  return readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split("/").some((part) => NOT_OURS.has(part)));
}

/** Files under version control and those about to be; all but the installed where git is absent. */
function trackedFiles(): string[] {
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
    return listed.split("\0").filter((path) => path !== "" && existsSync(join(ROOT, path)));
  } catch {
    return walk();
  }
}

const CODE = /^(src|test|bench|bin|fixtures)\/.*\.(ts|js)$/;

const tracked = trackedFiles();
// Byte for byte: captures are searched for forbidden words too.
const files: Source[] = tracked.map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), "latin1"),
}));
const code = files.filter((file) => CODE.test(file.path));

const manifest = readFileSync(join(ROOT, "package.json"), "utf8");

/** Commands, hooks named in package.json, scripts and tests are entered from outside. */
function isEntry(path: string): boolean {
  if (/^(src\/commands|bench|bin|test)\//.test(path)) return !path.startsWith("test/support/");
  if (path === "fixtures/make.ts") return true;
  // Started as processes of their own.
  if (/^src\/replay\/run\/native(-doctor)?-child\.ts$/.test(path)) return true;
  if (path === "src/replay/vm/guest/agent.ts") return true;
  return manifest.includes(`./${path.replace(/^src/, "dist").replace(/\.ts$/, "")}`);
}

describe("the house is tidy:", () => {
  it.each(FILE_RULES.map((rule) => [rule.name, rule] as const))("%s", (name, rule) => {
    const checked = name === forbiddenWords.name ? files : code;
    expect(checked.flatMap((file) => rule(file))).toEqual([]);
  });

  it("deadFiles", () => {
    expect(deadFiles(code, isEntry)).toEqual([]);
  });

  it("and there is something to be tidy about", () => {
    expect(code.length).toBeGreaterThan(20);
    expect(code.some((file) => file.path.startsWith("src/engine/"))).toBe(true);
  });
});

/** Says which lines of a planted file a rule finds. */
function found(rule: (source: Source) => string[], path: string, text: string): number[] {
  return rule({ path, text }).map((finding) => Number(/:(\d+) /.exec(finding)?.[1]));
}

const lines = (n: number, text = "x();") => Array.from({ length: n }, () => text).join("\n");

describe("each rule finds what is planted:", () => {
  it("long lines", () => {
    const text = `${"a".repeat(100)}\n${"a".repeat(101)}\n`;
    expect(found(longLines, "src/a.ts", text)).toEqual([2]);
  });

  it("long files", () => {
    expect(found(longFiles, "src/a.ts", `${lines(400)}\n`)).toEqual([]);
    expect(found(longFiles, "src/a.ts", `${lines(401)}\n`)).toEqual([401]);
    expect(found(longFiles, "src/commands/a.ts", `${lines(120)}\n`)).toEqual([]);
    expect(found(longFiles, "src/commands/a.ts", `${lines(121)}\n`)).toEqual([121]);
  });

  it.each([
    ["function f() {", "}"],
    ["const f = () => {", "};"],
    ["class A { m() {", "} }"],
    ["class A { get m() {", "} }"],
    ["class A { constructor() {", "} }"],
    ["it('x', () => {", "});"],
  ])("long functions: %s", (open, close) => {
    expect(found(longFunctions, "src/a.ts", `\n${open}\n${lines(68)}\n${close}`)).toEqual([]);
    expect(found(longFunctions, "src/a.ts", `\n${open}\n${lines(69)}\n${close}`)).toEqual([2]);
  });

  it("long functions, but not the list that a describe is", () => {
    const text = `describe("x", () => {\n${lines(90)}\n});`;
    expect(found(longFunctions, "test/a.test.ts", text)).toEqual([]);
  });

  it.each([
    "const t = Date.now();",
    "const t = new Date();",
    "const r = Math.random();",
    "const t = performance.now();",
    "const p = process.argv;",
    'console.log("x");',
    "const p = globalThis.process;",
    "setTimeout(f, 1);",
  ])("host time, chance and output in the engine: %s", (text) => {
    expect(new Set(found(impureEngine, "src/engine/tcp/a.ts", text))).toEqual(new Set([1]));
    expect(found(impureEngine, "src/engine/backend/a.ts", text)).toEqual([]);
    expect(found(impureEngine, "src/replay/a.ts", text)).toEqual([]);
  });

  it("but not members that happen to have such a name, nor comments", () => {
    const text = "// console, Date\nclass A { process() {} }\nnew A().process();\nMath.imul(1, 2);";
    expect(found(impureEngine, "src/engine/a.ts", text)).toEqual([]);
  });

  it("characters beyond ASCII", () => {
    expect(found(beyondAscii, "src/a.ts", "a\n// \u00b5s\nb\u0007\n\tc")).toEqual([2, 3]);
  });

  it("reminders", () => {
    const text = ["// TO", "DO later\n// done\n// FIX", "ME\nconst MASTODON = 1;"].join("");
    expect(found(reminders, "src/a.ts", text)).toEqual([1, 3]);
  });

  it.each([
    "export function f(): void {}",
    "export const A = 0;",
    "export class A {}",
    "export interface A {}",
    "export type A = 0;",
    "export default class A {}",
    "export abstract class A {}",
  ])("exported without a docstring: %s", (text) => {
    expect(found(undocumented, "src/a.ts", `\n${text}`)).toEqual([2]);
    expect(found(undocumented, "src/a.ts", `/** What it is. */\n${text}`)).toEqual([]);
    expect(found(undocumented, "src/a.ts", `// Not a docstring.\n${text}`)).toEqual([2]);
    expect(found(undocumented, "test/a.ts", text)).toEqual([]);
  });

  it("but private declarations and re-exports need none", () => {
    const text = 'const A = 0;\nfunction f() {}\nexport { B } from "./b.js";\nexport { A };';
    expect(found(undocumented, "src/a.ts", text)).toEqual([]);
  });

  it("but a block of constants and the overloads of a function share one", () => {
    const block =
      "/** States. */\nexport const A = 0;\nexport const B = 1;\nexport type S = 0 | 1;";
    expect(found(undocumented, "src/a.ts", block)).toEqual([]);
    expect(found(undocumented, "src/a.ts", block.replace("/** States. */", ""))).toEqual([2, 3, 4]);
    const apart = "/** A. */\nexport const A = 0;\n\nexport const B = 1;\nexport const C = 2;";
    expect(found(undocumented, "src/a.ts", apart)).toEqual([4, 5]);
    const overloads = "/** F. */\nexport function f(): void;\nexport function f(a?: 0): void {}";
    expect(found(undocumented, "src/a.ts", overloads)).toEqual([]);
    const other = "/** F. */\nexport function f(): void;\nexport function g(): void {}";
    expect(found(undocumented, "src/a.ts", other)).toEqual([3]);
  });

  it("forbidden words", () => {
    const text = ["see /wo", "rk/x\nok\n.lib", "rary\nframework/a"].join("");
    expect(found(forbiddenWords, "README.md", text)).toEqual([1, 3]);
  });

  it("files that nothing imports", () => {
    const tree: Source[] = [
      { path: "src/commands/a.ts", text: 'import { b } from "../b.js";' },
      { path: "src/b.ts", text: 'export * from "./c.js";\nconst d = import("./d.js");' },
      { path: "src/c.ts", text: 'new Worker(new URL("./worker.js", import.meta.url));' },
      { path: "src/d.ts", text: "" },
      { path: "src/worker.ts", text: "" },
      { path: "src/dead.ts", text: 'import "./dead-too.js";' },
      { path: "src/dead-too.ts", text: 'import "./dead.js";' },
      { path: "bench/run.js", text: 'import "../dist/timed.js";' },
      { path: "src/timed.ts", text: 'const text = "./dead.js";' },
    ];
    expect(deadFiles(tree, isEntry)).toEqual([
      "src/dead.ts:1 dead-file: nothing imports it",
      "src/dead-too.ts:1 dead-file: nothing imports it",
    ]);
  });
});
