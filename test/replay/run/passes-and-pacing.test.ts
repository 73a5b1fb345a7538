import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { replay } from "../../support/replay.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));

const CAPTURES = ["kernel/loss_reorder.pcap", "kernel/flows64.pcap", "kernel/jumbo.pcap"] as const;
/** Sockets open in another order where packets of several queues come at other times. */
const sorted = (streams: readonly unknown[] | undefined) =>
  streams!.map((row) => JSON.stringify(row)).sort();

const SMALL = { streams: true, area: "4MiB", ring: "128" } as const;

const run = async (name: string, flags: Record<string, string | boolean> = {}) => {
  const { record, exitCode } = await replay(fixture(name), { ...SMALL, ...flags });
  expect(exitCode).toBe(0);
  for (const each of record.runs) expect(each.leaks).toMatchObject({ count: 0, zombies: 0 });
  return record;
};

type Pace = Record<string, string | boolean>;

const memory = new Map<string, ReturnType<typeof run>>();
/** A replay with no flags, done once. */
function once(name: string): ReturnType<typeof run> {
  const known = memory.get(name) ?? run(name);
  memory.set(name, known);
  return known;
}

describe.each(CAPTURES)("%s", (name) => {
  test("three passes deliver three times the same", async () => {
    const [one, three] = [await once(name), await run(name, { loop: "3" })];
    expect(three.capture).toEqual(one.capture);
    expect(three.warnings).toEqual(one.warnings);
    three.runs.forEach((each, i) => {
      const single = one.runs[i]!;
      expect(each.passes).toBe(3);
      expect(each.streams).toEqual(single.streams);
      expect(each.sockets).toEqual(single.sockets);
      expect(each.deliveredBytes).toBe(3 * Number(single.deliveredBytes));
      expect(each.packets).toBe(3 * Number(single.packets));
      expect(each.bytes).toBe(3 * Number(single.bytes));
      expect(each.dma.bytes).toBe(3 * Number(single.dma.bytes));
      expect(each.copy.bytes).toBe(3 * Number(single.copy.bytes));
      expect(each.reference.bytes).toBe(3 * Number(single.reference.bytes));
      expect(each.latency.deliver.count).toBe(3 * Number(single.latency.deliver.count));
      // The same pools: no more netmems than one pass had to take.
      expect(Number(each.pool.hold)).toBeLessThan(3 * Number(single.pool.hold));
    });
  });

  const quick: Pace[] = [{ pps: "2000000" }, { topspeed: true }];
  const slow: Pace[] = [{ multiplier: "1000" }, { multiplier: "0.01" }, { pps: "1000" }];
  const paces = name.includes("flows") ? quick : [...quick, ...slow, { mbps: "100" }];

  test.each(paces)("paced otherwise, the same bytes: %o", async (pace) => {
    const paced = await run(name, pace);
    const one = await once(name);
    paced.runs.forEach((each, i) => {
      expect(sorted(each.streams)).toEqual(sorted(one.runs[i]!.streams));
      expect(each.deliveredBytes).toBe(one.runs[i]!.deliveredBytes);
      expect(each.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
    });
    expect(paced.capture).toEqual(one.capture);
  });
});

describe("the limit", () => {
  test("stops after so many packets of a pass; the hash is the whole file's", async () => {
    const name = "kernel/http4.pcap";
    const whole = await run(name);
    for (const limit of [1, 5, 12, 27, 1000]) {
      const packets = Math.min(limit, 27);
      const { capture, runs, config } = await run(name, { limit: String(limit) });
      expect(capture.packets).toBe(packets);
      expect(capture.sha256).toBe(whole.capture.sha256);
      expect(config.limit).toBe(limit);
      for (const each of runs) expect(each.packets).toBe(packets);
      const twice = await run(name, { limit: String(limit), loop: "2", provider: "page" });
      expect(twice.runs[0]!.packets).toBe(2 * packets);
    }
  });

  test("delivers a prefix: never more than the packets hold", async () => {
    let before = 0;
    for (let limit = 3; limit <= 27; limit += 6) {
      const { runs } = await run("kernel/http4.pcap", { limit: String(limit) });
      const delivered = runs.map((each) => Number(each.deliveredBytes));
      expect(new Set(delivered).size).toBe(1);
      expect(delivered[0]).toBeGreaterThanOrEqual(before);
      before = delivered[0]!;
    }
    expect(before).toBe(8180);
  });
});

describe("pacing shows in the model's times", () => {
  const held = (record: Awaited<ReturnType<typeof run>>) =>
    Number(record.runs[0]!.latency.lifetime.max);

  test("a hundred times faster: netmems live a shorter time", async () => {
    const name = "kernel/zero_window.pcap";
    const [slow, fast] = [
      await run(name, { provider: "page", ring: "8", queues: "1" }),
      await run(name, { provider: "page", ring: "8", queues: "1", multiplier: "100" }),
    ];
    expect(held(fast)).toBeLessThan(held(slow) / 20);
  });

  test("fixed rates leave the capture's own times as they are", async () => {
    const record = await run("edge/time_goes_back.pcap", { pps: "1000" });
    expect(record.capture.clampedTimestamps).toBe(0);
  });

  test("a century passes like a second", async () => {
    const several: Array<Record<string, string>> = [
      {},
      { multiplier: "0.5" },
      { loop: "2" },
      { hold: "10s" },
    ];
    for (const flags of several) {
      const { runs, capture } = await run("edge/century.pcap", flags);
      expect(String(capture.durationNs)).toBe("3155760017000000000");
      for (const each of runs) {
        expect(each.deliveredBytes).toBe((flags.loop ? 2 : 1) * 2000);
        expect(Number(each.latency.hold.max)).toBeLessThan(11e9);
        expect(Number(each.latency.deliver.max)).toBeLessThan(1e9);
      }
    }
  });
});
