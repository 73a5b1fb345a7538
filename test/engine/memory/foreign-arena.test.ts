import { expect, test } from "vitest";
import { Arena } from "../../../src/engine/memory/arena.js";
import { foreignArena } from "../../../src/engine/memory/foreign-arena.js";
import fc from "../../support/property.js";

const BYTES = 8192;

/** The same bytes in both kinds of arena. */
function pair(seed: number) {
  const wasm = new Arena(BYTES);
  const plain = foreignArena(new Uint8Array(BYTES + 16).subarray(8, BYTES + 8));
  for (let i = 0; i < BYTES; i++) {
    const byte = (Math.imul(i + seed, 0x9e3779b1) >>> 13) & 0xff;
    wasm.bytes[i] = byte;
    plain.bytes[i] = byte;
  }
  return { wasm, plain };
}

test("sums and copies are those of the WebAssembly kernels", () => {
  const small = fc.integer({ min: 0, max: 1500 });
  fc.assert(
    fc.property(fc.nat(), small, small, fc.nat(0xffff), (seed, at, len, init) => {
      const { wasm, plain } = pair(seed);
      expect(plain.kernels.sum(at, len, init)).toBe(wasm.kernels.sum(at, len, init));
      for (const arena of [wasm, plain]) arena.kernels.copy(4000 + at, at, len);
      expect([...plain.bytes]).toEqual([...wasm.bytes.subarray(0, BYTES)]);
    }),
    { numRuns: 30 },
  );
});

test("split places headers and payload, and sums the same", () => {
  const { wasm, plain } = pair(1);
  for (const len of [0, 1, 2, 33, 1447]) {
    const [a, b] = [wasm, plain].map(({ kernels }) =>
      kernels.split(100, 4000, 66, 166, 5000, len, 126, 8, 134, 77),
    );
    expect(b).toBe(a);
    expect(plain.bytes.slice(4000, 4066)).toEqual(plain.bytes.slice(100, 166));
    expect(plain.bytes.slice(5000, 5000 + len)).toEqual(plain.bytes.slice(166, 166 + len));
  }
});
