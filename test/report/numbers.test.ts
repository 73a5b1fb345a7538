import { describe, expect, it } from "vitest";
import {
  counted,
  grouped,
  humanBytes,
  humanRate,
  humanTime,
  percent,
} from "../../src/report/table/numbers.js";

describe("figures for people", () => {
  it("group digits, of decimal strings too", () => {
    expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
    expect(grouped("9007199254740993")).toBe("9,007,199,254,740,993");
  });

  it("show bytes, rates and times in three digits", () => {
    expect([0, 1023, 1024, 1_572_864, 2 ** 40].map(humanBytes)).toEqual([
      "0 B",
      "1023 B",
      "1 KiB",
      "1.5 MiB",
      "1 TiB",
    ]);
    expect([0, 920, 1234, 6_170_000, 8.04e9].map(humanRate)).toEqual([
      "0",
      "920",
      "1.23 k",
      "6.17 M",
      "8.04 G",
    ]);
    expect([0, 870, 12_345, 4_560_000_000, 150e9, 9.5e16].map(humanTime)).toEqual([
      "0",
      "870ns",
      "12.3us",
      "4.56s",
      "2.5min",
      "3.01y",
    ]);
  });

  it("show a missing share as a dash and count nouns", () => {
    expect([percent(null), percent(99.987)]).toEqual(["-", "99.99 %"]);
    expect([counted(1, "netmem"), counted(2000, "netmem")]).toEqual(["1 netmem", "2,000 netmems"]);
  });
});
