import { describe, expect, test } from "vitest";
import {
  EXT_DESTINATION,
  EXT_HOP_BY_HOP,
  EXT_ROUTING,
  judgeExtension,
  judgeIpv4Options,
  jumboLength,
  OPTIONS_BAD,
  OPTIONS_TAKEN,
  OPTIONS_UNKNOWN,
} from "../../../src/engine/wire/ip-options.js";

const view = (bytes: readonly number[]) => new DataView(Uint8Array.from(bytes).buffer);
const ipv4 = (...bytes: number[]) => judgeIpv4Options(view(bytes), 0, bytes.length);
const extension = (kind: number, ...bytes: number[]) =>
  judgeExtension(view(bytes), kind, 0, bytes.length);

describe("IPv4 options", () => {
  test.each([
    ["nothing but ends", [0, 0, 0, 0]],
    ["what stands behind the end", [1, 0, 7, 1]],
    ["a record route with room", [7, 7, 4, 0, 0, 0, 0, 0]],
    ["a record route that is full", [7, 7, 8, 1, 2, 3, 4, 0]],
    ["timestamps", [68, 8, 5, 0, 0, 0, 0, 0]],
    ["timestamps that overflowed 14 times", [68, 8, 9, 0xe0, 0, 0, 0, 0]],
    ["a router alert", [148, 4, 0, 0]],
    ["options that nobody knows", [200, 3, 9, 1]],
  ])("take %s", (_, bytes) => {
    expect(ipv4(...bytes)).toBe(OPTIONS_TAKEN);
  });

  test.each([
    ["a length of one", [7, 1, 0, 0]],
    ["a length beyond the header", [200, 5, 0, 0]],
    ["a kind without a length", [1, 1, 1, 7]],
    ["a loose source route", [131, 7, 4, 1, 2, 3, 4, 0]],
    ["a strict source route", [137, 7, 8, 1, 2, 3, 4, 0]],
    ["a pointer into the option's head", [7, 3, 2, 0]],
    ["a pointer with too little room behind it", [7, 5, 4, 0, 0, 0, 0, 0]],
    ["two record routes", [7, 3, 4, 7, 3, 4, 0, 0]],
    ["timestamps without a pointer", [68, 3, 5, 0]],
    ["timestamps with addresses and too little room", [68, 8, 5, 1, 0, 0, 0, 0]],
    ["timestamps that overflowed 15 times", [68, 8, 9, 0xf0, 0, 0, 0, 0]],
    ["a short router alert", [148, 3, 0, 0]],
  ])("refuse %s", (_, bytes) => {
    expect(ipv4(...bytes)).toBe(OPTIONS_BAD);
  });
});

describe("IPv6 options", () => {
  test.each([
    ["padding", EXT_DESTINATION, [6, 0, 1, 4, 0, 0, 0, 0]],
    ["a router alert", EXT_HOP_BY_HOP, [6, 0, 5, 2, 0, 0, 1, 0]],
    ["a jumbo payload length", EXT_HOP_BY_HOP, [6, 0, 0xc2, 4, 0, 1, 0, 0]],
    [
      "a jumbo payload length behind another option",
      EXT_HOP_BY_HOP,
      [6, 1, 5, 2, 0, 0, 1, 2, 0, 0, 0xc2, 4, 0, 1, 0, 0],
    ],
    ["one that may be skipped", EXT_DESTINATION, [6, 0, 0x1e, 4, 1, 2, 3, 4]],
    ["a route whose segments are all behind it", EXT_ROUTING, [6, 0, 0, 0, 9, 9, 9, 9]],
    ["telemetry in its place", EXT_HOP_BY_HOP, [6, 0, 1, 0, 0x31, 2, 0, 0]],
  ])("take %s", (_, kind, bytes) => {
    expect(extension(kind, ...bytes)).toBe(OPTIONS_TAKEN);
  });

  test.each([
    ["padding that is not zero", EXT_DESTINATION, [6, 0, 1, 4, 0, 0, 7, 0]],
    [
      "eight bytes of padding",
      EXT_DESTINATION,
      [6, 1, 0x1e, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0],
    ],
    ["an option beyond the header", EXT_DESTINATION, [6, 0, 0x1e, 5, 0, 0, 0, 0]],
    ["a header beyond the packet", EXT_DESTINATION, [6, 1, 1, 4, 0, 0, 0, 0]],
    ["a router alert of another length", EXT_HOP_BY_HOP, [6, 0, 5, 3, 0, 0, 1, 0]],
    ["a jumbo payload length of 65535", EXT_HOP_BY_HOP, [6, 0, 0xc2, 4, 0, 0, 255, 255]],
    [
      "a jumbo payload length in the wrong place",
      EXT_HOP_BY_HOP,
      [6, 1, 1, 1, 0, 0xc2, 4, 0, 1, 0, 0, 1, 3, 0, 0, 0],
    ],
    ["telemetry out of its place", EXT_HOP_BY_HOP, [6, 0, 0x31, 4, 0, 0, 0, 0]],
    ["segment routing", EXT_ROUTING, [6, 0, 4, 0, 0, 0, 0, 0]],
    ["a route of RPL", EXT_ROUTING, [6, 0, 3, 0, 0, 0, 0, 0]],
    ["a route with segments left", EXT_ROUTING, [6, 0, 0, 1, 0, 0, 0, 0]],
    ["nine options", EXT_DESTINATION, [6, 2, ...Array(9).fill([0x1e, 0]).flat(), 1, 2, 0, 0]],
  ])("refuse %s", (_, kind, bytes) => {
    expect(extension(kind, ...bytes)).toBe(OPTIONS_BAD);
  });

  test.each([0x40, 0x80, 0xc9])("do not know type %i, and may not skip it", (type) => {
    expect(extension(EXT_DESTINATION, 6, 0, type, 4, 0, 0, 0, 0)).toBe(OPTIONS_UNKNOWN);
  });

  test("say a jumbo payload length where there is one", () => {
    const alone = view([6, 0, 0xc2, 4, 0, 1, 2, 3]);
    const behind = view([6, 1, 0, 1, 1, 0, 5, 2, 0, 0, 0xc2, 4, 0, 2, 0, 0]);
    expect([jumboLength(alone, 0), jumboLength(behind, 0)]).toEqual([0x10203, 0x20000]);
    expect(jumboLength(view([6, 0, 5, 2, 0, 0, 1, 0]), 0)).toBe(0);
  });

  test("know a jumbo payload length in a hop-by-hop header alone", () => {
    expect(extension(EXT_DESTINATION, 6, 0, 0xc2, 4, 0, 1, 0, 0)).toBe(OPTIONS_UNKNOWN);
  });
});
