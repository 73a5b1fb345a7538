import { describe, expect, it } from "vitest";
import { countPackets } from "../../../src/replay/capture/count-packets.js";
import { FIXTURES, faulty, wrong } from "../fault/plans.js";

const DEVICE = { driver: "bnxt", queues: "1", pps: "1000", "rx-usecs": "0", "rx-frames": "1" };

/** What a provider's run told at each of its faults. */
async function told(provider: string, faults: string, flags = {}) {
  const { record } = await faulty(FIXTURES.http, faults, {
    ...DEVICE,
    provider,
    streams: true,
    ...flags,
  });
  expect(wrong(record)).toEqual([]);
  const run = record.runs[0]!;
  return { run, effects: run.faults!.map(({ effect }) => effect) };
}

describe("the model's side of a comparison with a guest", () => {
  it("counts a capture's packets, up to a limit", async () => {
    const all = await countPackets(FIXTURES.http, null);
    expect(all).toBeGreaterThan(12);
    expect(await countPackets(FIXTURES.http, 5)).toBe(5);
    expect(await countPackets(FIXTURES.http, all + 5)).toBe(all);
  });

  it("looks at what is out and in flight, which held netmems raise", async () => {
    const count = (text: string) => Number(/^(\d+) netmems out/.exec(text)![1]);
    const { effects } = await told("devmem", "look@2,look@14", { hold: "30s" });
    expect(count(effects[0]!)).toBe(0);
    expect(count(effects[1]!)).toBeGreaterThan(0);
    expect(effects[1]).toMatch(/, \d+ in flight$/);
  });

  it.each([
    ["zcrx", "terminate"],
    ["devmem", "netlink-close"],
  ])("%s: after %s another provider is opened, and no byte is lost", async (provider, gone) => {
    const plain = await told(provider, "look@8");
    const again = await told(provider, `${gone}@7500us,rebind@7600us`, { hold: "30s" });
    expect(again.effects).toEqual(["", ""]);
    expect(again.run.streams).toEqual(plain.run.streams);
  });

  it("refuses a second provider while the first one is there", async () => {
    const { effects } = await told("zcrx", "rebind@8");
    expect(effects).toEqual(["refused with -EEXIST"]);
  });
});
