import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { withOneProvider } from "../../../src/replay/plan/one-provider.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import { runSize } from "../../../src/replay/size/run-size.js";
import { type Size, type SizeLimits, searchSize } from "../../../src/replay/size/search.js";
import { replay } from "../../support/replay.js";

const CAPTURE = fileURLToPath(
  new URL("../../../fixtures/kernel/loss_reorder.pcap", import.meta.url),
);
const FLAGS = { provider: "zcrx", queues: "1", hold: "300ms", area: "1MiB", ring: "64" };

async function size(flags: Record<string, string> = {}) {
  const config = await resolveConfig({
    flags: { ...FLAGS, ...flags },
    environment: {},
    cwd: "/",
  });
  const hooks = { signal: new AbortController().signal, warn: () => {} };
  return await runSize(withOneProvider(config, true, "size"), CAPTURE, hooks);
}

describe("a search", () => {
  const limits: SizeLimits = {
    start: { netmems: 100, ring: 64 },
    leastNetmems: 1,
    mostNetmems: 5000,
    leastRing: 8,
    mostRing: 1024,
  };
  const search = async (fits: (size: Size) => boolean, from: Partial<SizeLimits> = {}) => {
    const asked: Size[] = [];
    const answer = await searchSize({ ...limits, ...from }, async (each) => {
      asked.push(each);
      return fits(each);
    });
    return { answer, asked };
  };

  test.each([
    [1, 8],
    [37, 32],
    [100, 64],
    [101, 64],
    [4999, 512],
    [5000, 1024],
  ])("finds %d netmems and a ring of %d", async (netmems, ring) => {
    const found = await search((each) => each.netmems >= netmems && each.ring >= ring);
    expect(found.answer).toEqual({ netmems, ring });
    expect(found.asked.length).toBeLessThan(30);
  });

  test("finds the ring first, and the area that this ring needs", async () => {
    const { answer } = await search(({ netmems, ring }) => ring >= 16 && netmems >= ring * 2);
    expect(answer).toEqual({ netmems: 32, ring: 16 });
  });

  test("has no answer where the largest size drops too", async () => {
    const { answer, asked } = await search(() => false);
    expect(answer).toBeNull();
    expect(asked.at(-1)).toEqual({ netmems: 5000, ring: 1024 });
  });
});

describe("the size of a capture", () => {
  test("has no drops, one netmem less has, and the record agrees", async () => {
    const { document, exitCode } = await size();
    const { netmems, ring, areaBytes } = document.answer!;
    expect(exitCode).toBe(0);
    expect(ring).toBe(8);
    const less = document.points.find((p) => p.ring === ring && p.netmems === netmems - 1)!;
    expect(Number(less.drops)).toBeGreaterThan(0);
    const dropsAt = async (bytes: number) => {
      const flags = { ...FLAGS, ring: `${ring}`, area: `${bytes}B` };
      const { record } = await replay(CAPTURE, flags);
      return record.runs[0]!.drops.RX_HW_DROP_OVERRUNS ?? 0;
    };
    expect(await dropsAt(areaBytes)).toBe(0);
    expect(await dropsAt(areaBytes - 4096)).toBe(less.drops);
  });

  test("is the same each time, and from a smaller start", async () => {
    const once = (await size()).document;
    expect((await size()).document).toEqual(once);
    const small = (await size({ area: "4KiB", ring: "8" })).document;
    expect(small.answer).toEqual(once.answer);
  });

  test.each(["page", "devmem"])("has a curve that falls to 0: %s", async (provider) => {
    const { points, answer } = (await size({ provider })).document;
    const curve = points.filter(({ ring }) => ring === answer!.ring);
    const drops = curve.map((point) => Number(point.drops));
    expect(drops).toEqual([...drops].sort((a, b) => b - a));
    expect(drops[0]).toBeGreaterThan(0);
    expect(drops.at(-1)).toBe(0);
  });

  test("grows with the hold time", async () => {
    const short = (await size({ hold: "0" })).document.answer!;
    const long = (await size({ hold: "1s" })).document.answer!;
    expect(short.netmems).toBeLessThan(long.netmems);
  });
});
