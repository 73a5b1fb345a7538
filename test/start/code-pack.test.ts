import { describe, expect, it } from "vitest";
import { CodePack, encodePack } from "../../src/start/code-pack.js";

const PIECES = new Map([
  ["chunks/a.js", { code: Buffer.from("code of a"), textSum: 7 }],
  ["commands/b.js", { code: Buffer.alloc(1000, 3), textSum: 4_000_000_000 }],
  ["empty.js", { code: Buffer.alloc(0), textSum: 0 }],
]);

describe("a pack of compiled code", () => {
  it("gives back every piece's code, on the boundary that V8 wants", () => {
    const bytes = encodePack(PIECES);
    const pack = CodePack.of(bytes)!;
    expect(pack.names).toEqual([...PIECES.keys()]);
    for (const [name, { code, textSum }] of PIECES) {
      const found = pack.compiled(name)!;
      expect(found.textSum).toBe(textSum);
      expect(found.code.equals(code)).toBe(true);
      expect((found.code.byteOffset - bytes.byteOffset) % 16).toBe(0);
    }
  });

  it("knows no piece that was not put in", () => {
    const pack = CodePack.of(encodePack(PIECES))!;
    expect(pack.compiled("chunks/c.js")).toBeUndefined();
    expect(pack.compiled("__proto__")).toBeUndefined();
  });

  it("gives no code that any one changed byte or cut is in", () => {
    const bytes = encodePack(PIECES);
    const codeOf = (changed: Buffer) => {
      const pack = CodePack.of(changed);
      return [...PIECES.keys()].map((name) => pack?.compiled(name)?.code);
    };
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x41;
      const cut = bytes.subarray(0, at);
      for (const spoilt of [changed, cut]) {
        codeOf(spoilt).forEach((code, i) => {
          if (code !== undefined) expect(code.equals([...PIECES.values()][i]!.code)).toBe(true);
        });
      }
    }
  });

  it.each([
    "",
    "NMCODE1\n",
    "NMCODE1\n\xff\xff\xff\xff{}",
    "NMCODE1\n\x04\0\0\0null",
    'NMCODE1\n\x0d\0\0\0{"a":[1,2,3]}',
    "something else",
  ])("is none, or empty, of the bytes %j", (text) => {
    const pack = CodePack.of(Buffer.from(text, "latin1"));
    expect(pack?.compiled("a")).toBeUndefined();
  });
});
