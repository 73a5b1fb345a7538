import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { runConform } from "../../../src/replay/conform/run-conform.js";
import { resolveConformPlan } from "../../../src/replay/plan/conform-plan.js";
import type { ClauseName, ProviderVerdict } from "../../../src/replay/record/conform-document.js";
import { conformTable } from "../../../src/report/table/conform-table.js";
import { makeStyle } from "../../../src/report/table/style.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-conform-"));
afterAll(() => rmSync(folder, { recursive: true }));

const example = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/providers/${name}.mjs`, import.meta.url));

/** A provider that is right, with one of its functions replaced. */
function moduleWith(change: string, head = ""): string {
  return `
export const contract = 1;
export const name = "odd";
${head}
export function create({ netmems }) {
  const free = Array.from({ length: netmems }, (_, n) => n);
  return {
    init: () => 0,
    destroy() {},
    allocNetmems: () => (free.length > 0 ? free.pop() : -1),
    releaseNetmem: (_pool, netmem) => void free.push(netmem),
    freeNetmems: () => free,
    ${change}
  };
}
`;
}

let files = 0;
async function conformed(text: string, limit = "10s"): Promise<ProviderVerdict> {
  const path = join(folder, `provider-${files++}.mjs`);
  writeFileSync(path, text);
  const { document } = await runConform(resolveConformPlan([path], "1", limit));
  return document.providers[0]!;
}

const failed = (verdict: ProviderVerdict) =>
  verdict.clauses.filter((each) => each.verdict === "fail").map(({ clause }) => clause);

describe("the examples", () => {
  test("conform, but for the leaky one, which fails the clause that it breaks", async () => {
    const paths = ["huge-page", "driver-frag-cache", "leaky"].map(example);
    const { document, exitCode } = await runConform(resolveConformPlan(paths));
    expect(exitCode).toBe(7);
    expect(document.providers.map(failed)).toEqual([[], [], ["conservation"]]);
    const leak = document.providers[2]!.clauses.find(({ verdict }) => verdict === "fail")!;
    expect(leak.counterexample).toMatchObject({ netmems: 1 });
    expect(leak.counterexample!.steps).toHaveLength(4);
    expect(leak.counterexample!.message).toContain("0 free + 0 in pools + 0 outside of 1");
    const lines = conformTable(document, makeStyle(false)).split("\n");
    const long = lines.filter((line) => line.length > 80 && !line.startsWith("conform "));
    expect(long).toEqual([]);
  });
});

/** What is wrong with a provider, and the clauses that say so. */
const WRONG: ReadonlyArray<readonly [string, string, readonly ClauseName[]]> = [
  ["throws", `allocNetmems() { throw new Error("no"); },`, ["answers"]],
  ["answers text", `allocNetmems: () => "7",`, ["answers"]],
  ["answers NaN", "allocNetmems: () => Number.NaN,", ["answers"]],
  ["answers a netmem beyond its area", "allocNetmems: () => netmems,", ["answers"]],
  ["answers a promise", "async allocNetmems() { return -1; },", ["answers"]],
  ["releases later", "async releaseNetmem(_p, n) { free.push(n); },", ["answers"]],
  ["hands a netmem out twice", "allocNetmems: () => 0, freeNetmems: () => [],", ["conservation"]],
  ["refuses its pools", "init: () => -22,", ["init"]],
  ["answers init with yes", "init: () => true,", ["init"]],
  ["has nothing to give", "allocNetmems: () => -1,", ["serves"]],
  [
    "is greedy",
    `allocNetmems(pool) {
      while (free.length > 1) pool.place(free.pop());
      return free.length > 0 ? free.pop() : -1;
    },`,
    ["batch"],
  ],
  ["places late", "releaseNetmem(pool, n) { free.push(n); pool.place(free.pop()); },", ["batch"]],
  ["lists a free netmem twice", "freeNetmems: () => [...free, ...free],", ["distinct"]],
  ["loses what it gets", "releaseNetmem() {},", ["conservation"]],
  ["throws at uninstall", `uninstall() { throw new Error("gone"); },`, ["answers"]],
  ["has an endless list", "*freeNetmems() { for (let n = 0; ; n++) yield n; },", ["answers"]],
];

describe("a provider that", () => {
  test.each(WRONG)("%s fails", async (_what, change, clauses) => {
    const verdict = await conformed(moduleWith(change));
    expect(failed(verdict)).toEqual(expect.arrayContaining([...clauses]));
    expect(verdict.conforms).toBe(false);
  });

  test("draws at random is not deterministic", async () => {
    const change = `allocNetmems() {
      return free.length > 0 ? free.splice(Math.random() * free.length, 1)[0] : -1;
    },`;
    expect(failed(await conformed(moduleWith(change)))).toEqual(["deterministic"]);
  });

  test("counts over all its instances is not isolated", async () => {
    const change =
      "allocNetmems: () => (free.length === 0 ? -1 : free.splice(calls++ % free.length, 1)[0]),";
    const verdict = await conformed(moduleWith(change, "let calls = 0;"));
    expect(failed(verdict)).toEqual(["deterministic"]);
  });

  test("never comes back is named with the call, and the other suites are tried", async () => {
    const verdict = await conformed(moduleWith("uninstall() { for (;;) {} },"), "1200ms");
    expect(failed(verdict)).toContain("time");
    const time = verdict.clauses.find(({ clause }) => clause === "time")!;
    expect(time.counterexample!.message).toBe("uninstall did not come back within 1200 ms");
    expect(verdict.suites.length).toBe(4);
  });

  test("ends the process ends its thread only", async () => {
    const verdict = await conformed(moduleWith("destroy() { process.exit(0); },"));
    expect(failed(verdict)).toEqual(["answers"]);
  });
});

describe("a module that", () => {
  test.each([
    ["is no JavaScript", "export const = 1;", /cannot be loaded/],
    ["exports nothing", "", /exports no contract number/],
    ["is of another contract", "export const contract = 9;", /contract 9; this netmem knows/],
    ["has no create", `export const contract = 1; export const name = "x";`, /no function create/],
    ["takes a name", `export const contract = 1; export const name = "zcrx";`, /netmem's own/],
    ["throws", `throw new Error("at once");`, /at once/],
  ])("%s fails the clause module", async (_what, text, message) => {
    const verdict = await conformed(text);
    expect(verdict.clauses[0]).toMatchObject({ clause: "module", verdict: "fail" });
    expect(verdict.clauses[0]!.counterexample!.message).toMatch(message);
    expect(verdict.clauses.slice(1).every(({ verdict: v }) => v === "untested")).toBe(true);
  });

  test("has not all functions fails the clause module", async () => {
    const verdict = await conformed(moduleWith("freeNetmems: 3,"));
    expect(failed(verdict)).toEqual(["module"]);
  });

  test("hangs when loaded fails, and costs the next one nothing", async () => {
    const path = join(folder, "stuck.mjs");
    writeFileSync(path, "for (;;) {}");
    const plan = resolveConformPlan([path, example("huge-page")], "1", "3s");
    const { document } = await runConform(plan);
    expect(failed(document.providers[0]!)).toEqual(["time"]);
    expect(document.providers[1]!.conforms).toBe(true);
  });

  test("is not there is refused", async () => {
    const plan = resolveConformPlan([join(folder, "absent.mjs")]);
    await expect(runConform(plan)).rejects.toThrow(/no provider module/);
  });
});
