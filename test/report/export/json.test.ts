import { describe, expect, it } from "vitest";
import { documentChunks } from "../../../src/report/export/json.js";

const row = (n: number) => ({ src: `10.0.0.${n}`, bytes: n, odd: { a: [1, 2], b: "x\ny" } });
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n));

describe("a document in chunks", () => {
  it.each([
    ["without streams", { a: 1, b: [{ c: null }] }],
    ["with empty streams", { runs: [{ streams: [] }] }],
    ["with streams at several depths", { streams: rows(2), runs: [{ streams: rows(3), z: 1 }] }],
    ["with more rows than a chunk", { records: [{ runs: [{ streams: rows(9000) }] }] }],
    ["that is a list", [1, { streams: rows(1) }]],
  ])("is what JSON.stringify makes of it, %s", (_, document) => {
    const text = [...documentChunks(document)].join("");
    expect(text).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  it("keeps each chunk small", () => {
    const sizes = [...documentChunks({ streams: rows(50_000) })].map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThan(2_000_000);
  });
});
