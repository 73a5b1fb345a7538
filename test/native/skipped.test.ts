import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const FOLDER = new URL("./", import.meta.url);
const TESTS = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));

/** What a condition for running may be made of: what doctor and the kernel say, and our files. */
const ALLOWED =
  /^(runsHere\([^()]*\)|offers\([^()]*\)|counts\([^()]*\)|hasSharedCaptures|here|\s|&&)*$/;

describe("a native test", () => {
  it.each(TESTS)("is skipped for nothing but what doctor says (%s)", (name) => {
    const text = readFileSync(new URL(name, FOLDER), "utf8");
    const conditions = [...text.matchAll(/\.(?:runIf|skipIf)\(((?:[^()]|\([^()]*\))*)\)/g)];
    expect(conditions.map((match) => match[1]!).filter((one) => !ALLOWED.test(one))).toEqual([]);
    expect(text).not.toMatch(/\b(?:it|describe)\.(?:skip|todo|only)\b/);
    // A list cut down to what runs here would leave out tests without a word.
    expect(text).not.toMatch(/\.each\([^)]*\.filter\([^)]*(?:runsHere|offers)/);
  });
});
