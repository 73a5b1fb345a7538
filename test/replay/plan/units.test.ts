import { describe, expect, it } from "vitest";
import { formatSize, formatTime, parseSize, parseTime } from "../../../src/replay/plan/units.js";

describe("sizes and times in settings", () => {
  it.each([
    ["0", 0],
    ["1B", 1],
    ["64KiB", 65_536],
    ["1.5MiB", 1_572_864],
    ["2 GiB", 2_147_483_648],
  ])("reads the size %s as %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    ["0", 0],
    ["800ns", 800],
    ["50us", 50_000],
    ["1.1ms", 1_100_000],
    ["2s", 2_000_000_000],
  ])("reads the time %s as %d ns", (text, ns) => {
    expect(parseTime(text)).toBe(ns);
  });

  it("rejects a bare number and shows a right one", () => {
    expect(() => parseSize("64")).toThrow("needs a unit: write 64B or 64KiB");
    expect(() => parseTime("5")).toThrow("needs a unit: write 5us or 5ms");
  });

  it("shows the unit that was meant", () => {
    expect(() => parseSize("64k")).toThrow("write 64KiB");
    expect(() => parseSize("2MB")).toThrow("write 2MiB");
    expect(() => parseTime("3sec")).toThrow("write 3s");
  });

  it.each(["", "-1KiB", "1e3B", "KiB", "1.5.2B", " 1B"])("rejects the size %j", (text) => {
    expect(() => parseSize(text)).toThrow("must be a size such as 64KiB");
  });

  it("rejects fractions of the smallest unit and what a double cannot hold", () => {
    expect(() => parseSize("0.5B")).toThrow("whole number of B");
    expect(() => parseTime("1.0000000001s")).toThrow("whole number of ns");
    expect(() => parseSize("9000000000GiB")).toThrow("below 2^53");
  });

  it("writes a value in the largest unit that divides it", () => {
    expect([0, 1000, 65_536, 1_572_864, 2 ** 31].map(formatSize)).toEqual([
      "0",
      "1000B",
      "64KiB",
      "1536KiB",
      "2GiB",
    ]);
    expect([0, 50_000, 1500, 3e9].map(formatTime)).toEqual(["0", "50us", "1500ns", "3s"]);
  });
});
