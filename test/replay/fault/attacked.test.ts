import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { replay } from "../../support/replay.js";
import { FIXTURES, faulty, wrong } from "./plans.js";

/** What random plans on random settings found; each was a crash, a hang or a false alarm. */

const CENTURY = fileURLToPath(new URL("../../../fixtures/edge/century.pcap", import.meta.url));
/** Model time of the hundred years in {@link CENTURY}, about. */
const CENTURY_NS = 3_155_760_000e9;

describe("faults behind a gap of a hundred years", () => {
  it("happen at their packet's time", async () => {
    const { record } = await faulty(CENTURY, "link-down@5,link-up@9,queue-restart@12");
    expect(wrong(record)).toEqual([]);
    for (const { faults } of record.runs) {
      const times = faults!.map(({ atNs }) => Number(atNs));
      expect(times[0]).toBeLessThan(60e9);
      for (const ns of times.slice(1)) expect(Math.abs(ns / CENTURY_NS - 1)).toBeLessThan(1e-6);
    }
  });

  it("wait for no try a second of a pool that nobody frees", async () => {
    const started = performance.now();
    const { record, exitCode } = await faulty(CENTURY, "hoarder@1,netns-exit@8");
    expect({ wrong: wrong(record), exitCode }).toEqual({ wrong: [], exitCode: 0 });
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe("a pool that stalls for a hundred years", () => {
  it("is told of in one line, with how often the kernel would have", async () => {
    const flags = { provider: "devmem", queues: "1" };
    const { record } = await faulty(CENTURY, "hoarder@1,netns-exit@7s", flags);
    const log = record.warnings.filter(({ code }) => code === "kernel-log");
    expect(log).toHaveLength(1);
    expect(log[0]!.message).toMatch(/^devmem: stalled pool shutdown: id 3, \d+ inflight 60 sec;/);
    const times = Number(/; (\d+) times, one a minute$/.exec(log[0]!.message)![1]);
    expect(times).toBeGreaterThan(52e6);
  });
});

describe("at top speed", () => {
  it.each([
    ["gve", "1024"],
    ["bnxt", "32"],
    ["fbnic", "32"],
  ])(
    "a %s that nobody gives memory back to does not make each packet wait",
    async (driver, ring) => {
      const started = performance.now();
      const flags = { driver, ring, topspeed: true, kernel: "7.3" };
      const { record } = await faulty(FIXTURES.flows, "hoarder@2,netdev-unregister@60", flags);
      expect(wrong(record)).toEqual([]);
      expect(performance.now() - started).toBeLessThan(20_000);
    },
  );
});

describe("fd-export", () => {
  it("is refused with -ENXIO without an instance, with -EBADF after ring exit", async () => {
    const { record } = await faulty(
      FIXTURES.http,
      "fd-export@3,queue=60,unregister@5,fd-export@7",
      {
        provider: "zcrx",
      },
    );
    const effects = record.runs[0]!.faults!.map(({ effect }) => effect);
    expect(effects).toEqual(["refused with -ENXIO", "", "refused with -EBADF"]);
  });
});

describe("--loop", () => {
  it("with a fault in one pass compares no passes", async () => {
    const { record, exitCode } = await faulty(FIXTURES.http, "app-crash@12", { loop: "2" });
    expect({ wrong: wrong(record), exitCode }).toEqual({ wrong: [], exitCode: 0 });
  });
});

describe("an area that is too small", () => {
  it.each(["page", "devmem"])("is refused by name: %s", async (provider) => {
    const flags = { provider, driver: "bnxt", area: "64KiB", ring: "1024", queues: "4" };
    await expect(replay(FIXTURES.http, flags)).rejects.toThrow(
      `${provider} is refused on 4 queues of 1024 with --area 64KiB: the kernel answers -ENOMEM`,
    );
  });

  it("for one buffer a queue is refused with -EINVAL", async () => {
    const flags = { area: "128KiB", "buffer-size": "64KiB", queues: "4", ring: "128" };
    const none = replay(FIXTURES.http, { ...flags, provider: "zcrx" });
    await expect(none).rejects.toThrow(/zcrx is refused on 4 queues .* -EINVAL/);
  });
});
