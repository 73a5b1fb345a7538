import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Prng } from "../../../src/engine/clock/prng.js";
import { storedZlib } from "../../../src/replay/measure/stored-zlib.js";

function random(length: number): Uint8Array {
  const prng = new Prng(length + 1);
  return Uint8Array.from({ length }, () => prng.next() & 0xff);
}

describe("a zlib stream that compresses nothing", () => {
  it.each([0, 1, 2, 40, 255, 256, 6000, 16_377, 32_768])("is zlib's own of %i bytes", (length) => {
    const data = random(length);
    expect(Buffer.from(storedZlib(data)).equals(deflateSync(data, { level: 0 }))).toBe(true);
  });

  it.each([32_769, 200_000])("is read back by zlib with %i bytes", (length) => {
    const data = random(length);
    expect(inflateSync(storedZlib(data)).equals(data)).toBe(true);
  });
});
