import { expect, test } from "vitest";
// @ts-expect-error: a build script without types
import { assemble } from "../../../scripts/kernels.mjs";
import { Arena } from "../../../src/engine/memory/arena.js";
import { KERNELS_BASE64 } from "../../../src/engine/memory/kernels-bytes.js";

/** RFC 1071 over bytes, word by word, little-endian, folded. */
function slowSum(bytes: Uint8Array, from: number, len: number, init: number): number {
  let sum = init;
  for (let i = 0; i + 1 < len; i += 2) {
    sum += bytes[from + i]! | (bytes[from + i + 1]! << 8);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  if (len & 1) sum += bytes[from + len - 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function filled(): Arena {
  const arena = new Arena(1 << 20);
  for (let i = 0; i < 400_000; i++) arena.bytes[i] = (i * 7919) >> 3;
  return arena;
}

test("the committed module is the assembled source", async () => {
  expect(KERNELS_BASE64).toBe(await assemble());
});

test("sum agrees with RFC 1071 at every length and alignment", () => {
  const { kernels, bytes } = filled();
  for (let len = 0; len < 200; len++) {
    for (const from of [0, 1, 3]) {
      expect(kernels.sum(from, len, len)).toBe(slowSum(bytes, from, len, len));
    }
  }
  expect(kernels.sum(7, 300_000, 0)).toBe(slowSum(bytes, 7, 300_000, 0));
});

test("split copies exactly the payload and sums addresses, TCP header and payload", () => {
  const { kernels, bytes } = filled();
  const short = Array.from({ length: 400 }, (_, len) => len);
  for (const len of [...short, 1447, 1448, 1460, 4095, 4096]) {
    bytes.fill(0xee, 500_000, 510_000);
    const src = 1001;
    const pay = src + 66;
    const l4 = src + 34;
    const sum = kernels.split(src, 500_000, 66, pay, 505_000, len, src + 26, 8, l4, 77);
    const want = slowSum(bytes, l4, 32, slowSum(bytes, src + 26, 8, 77));
    expect(sum).toBe(slowSum(bytes, pay, len, want));
    expect(bytes.slice(500_000, 500_066)).toEqual(bytes.slice(src, src + 66));
    expect(bytes.slice(505_000, 505_000 + len)).toEqual(bytes.slice(pay, pay + len));
    expect(bytes[505_000 + len]).toBe(0xee);
  }
});
