import { describe, expect, it } from "vitest";
import * as seq from "../../../src/engine/wire/seq.js";
import { SynOptions } from "../../../src/engine/wire/tcp-options.js";
import fc from "../../support/property.js";

describe("sequence numbers", () => {
  it("order by distance, across the wrap", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (a, distance) => {
        const b = (a + distance) | 0;
        expect([seq.before(a, b), seq.before(b, a)]).toEqual([true, false]);
        expect([seq.after(b, a), seq.after(a, b)]).toEqual([true, false]);
        expect([seq.laterOf(a, b), seq.earlierOf(a, b)]).toEqual([b, a]);
        expect([seq.between(a, a, b), seq.between(b, a, b)]).toEqual([true, true]);
        expect(seq.between((b + 1) | 0, a, b)).toBe(false);
      }),
    );
    expect([seq.before(7, 7), seq.after(7, 7)]).toEqual([false, false]);
  });
});

describe("the options of a SYN", () => {
  const parse = (bytes: number[], words = Math.ceil(bytes.length / 4)) => {
    const header = new Uint8Array(20 + 40);
    header[12] = (5 + words) << 4;
    header.set(bytes, 20);
    const options = new SynOptions();
    options.parse(new DataView(header.buffer), 0);
    return { ...options };
  };

  it("are read in any order", () => {
    expect(parse([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])).toEqual({
      mss: 1460,
      windowScale: 7,
      sackPermitted: true,
      timestamps: true,
    });
  });

  it("absent, cut, lying or unknown ones leave the defaults", () => {
    const nothing = { mss: 0, windowScale: -1, sackPermitted: false, timestamps: false };
    expect(parse([])).toEqual(nothing);
    expect(parse([0, 3, 3, 7])).toEqual(nothing);
    expect(parse([3, 0, 7, 7])).toEqual(nothing);
    expect(parse([1, 1, 1, 2])).toEqual(nothing);
    expect(parse([8, 10, 0, 0])).toEqual(nothing);
    expect(parse([253, 4, 1, 1, 3, 3, 20, 0])).toEqual({ ...nothing, windowScale: 14 });
  });
});
