import { describe, expect, test } from "vitest";
import * as T from "../../../src/engine/netmem/netmem-table.js";

const geometry = {
  areaStart: 1 << 20,
  areaBytes: 10 * 16384 + 5000,
  netmemBytes: 16384,
  areaKind: T.KIND_DMABUF,
  pagesStart: 1 << 22,
  pages: 7,
};

describe("a netmem table", () => {
  test("numbers the area's netmems first, then the pages; no part of a netmem", () => {
    const table = new T.NetmemTable(geometry);
    expect([table.areaNetmems, table.count]).toEqual([10, 17]);
    const netmems = Array.from({ length: table.count }, (_, n) => n);
    const spans = netmems.map((n) => [table.addressOf(n), table.bytesOf(n)] as const);
    expect(spans[0]).toEqual([geometry.areaStart, 16384]);
    expect(spans[9]).toEqual([geometry.areaStart + 9 * 16384, 16384]);
    expect(spans[10]).toEqual([geometry.pagesStart, 4096]);
    expect(spans[16]).toEqual([geometry.pagesStart + 6 * 4096, 4096]);
    // No two overlap.
    const ends = spans.map(([at, bytes]) => at + bytes);
    spans.slice(1).forEach(([at], i) => {
      expect(at).toBeGreaterThanOrEqual(ends[i]!);
    });
    netmems.forEach((n) => {
      expect(table.words[n * T.NM_WORDS + T.NM_ADDR]! >>> 0).toBe(table.addressOf(n));
    });
  });

  test("knows what is a net_iov: the area, unless it is pages", () => {
    for (const [areaKind, isIov] of [
      [T.KIND_PAGE, false],
      [T.KIND_DMABUF, true],
      [T.KIND_IOURING, true],
    ] as const) {
      const table = new T.NetmemTable({ ...geometry, areaKind });
      expect([table.isNetIov(0), table.isNetIov(9), table.isNetIov(10)]).toEqual([
        isIov,
        isIov,
        false,
      ]);
      expect([table.kindOf(9), table.kindOf(10)]).toEqual([areaKind, T.KIND_PAGE]);
    }
  });

  test("begins with every page held once, in nobody's pool, never given back", () => {
    const table = new T.NetmemTable(geometry);
    expect(new Set(table.pageRefs)).toEqual(new Set([1]));
    for (let n = 0; n < table.count; n++) {
      const words = table.words.subarray(n * T.NM_WORDS, n * T.NM_WORDS + T.NM_ADDR);
      expect([...words]).toEqual([0, 0, 0, 0, 0, 0, 0]);
      expect(table.stamps[n * T.NM_STAMPS + T.NM_BACK_NS]).toBe(Number.NEGATIVE_INFINITY);
    }
  });

  test("reaches addresses beyond 2 GiB", () => {
    const table = new T.NetmemTable({ ...geometry, areaStart: 3 * 2 ** 30 });
    expect(table.words[9 * T.NM_WORDS + T.NM_ADDR]! >>> 0).toBe(3 * 2 ** 30 + 9 * 16384);
  });
});
