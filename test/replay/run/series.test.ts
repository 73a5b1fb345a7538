import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OWNERS } from "../../../src/replay/record/names.js";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

const CAPTURE = "fixtures/kernel/loss_reorder.pcap";
const FLOWS = "fixtures/kernel/flows64.pcap";
const LONG = "../shared/captures/tls_62flows_rst.pcap";

/** A record without what differs between runs, or is about intervals. */
function kept({ runs, config, reproduce: _, ...rest }: NetmemRecord): unknown {
  const { intervalNs: _interval, ...settings } = config;
  const same = runs.map(({ host: _host, intervals: _intervals, ...run }) => run);
  return { ...rest, config: settings, runs: same };
}

describe("owners over time", () => {
  it("begin with full rings, end with nothing, and are few", async () => {
    const { record } = await replay(FLOWS, { hold: "1ms", loop: "3" });
    for (const { owners = [], provider } of record.runs) {
      expect(owners.length, provider).toBeGreaterThan(3);
      expect(owners.length, provider).toBeLessThanOrEqual(2000);
      expect(Number(owners[0]!.driver), provider).toBeGreaterThanOrEqual(1024);
      for (const owner of OWNERS) expect(owners.at(-1)![owner], `${provider} ${owner}`).toBe(0);
      expect(owners.some((point) => Number(point.stack) > 0)).toBe(true);
    }
    const held = (provider: string) =>
      record.runs.find((run) => run.provider === provider)!.owners!.map((point) => point.app);
    expect(Math.max(...held("devmem").map(Number))).toBeGreaterThan(0);
    expect(Math.max(...held("page").map(Number))).toBe(0);
  });
});

describe("intervals", () => {
  it("add up to the run, and hold what arrived in their time", async () => {
    const { record } = await replay(CAPTURE, { interval: "1ms" });
    for (const run of record.runs) {
      const rows = run.intervals!;
      const sum = (of: (row: (typeof rows)[number]) => number | string) =>
        rows.reduce((total, row) => total + Number(of(row)), 0);
      const drops = Object.values(run.drops).reduce<number>((all, n) => all + Number(n), 0);
      expect(sum((row) => row.packets)).toBe(run.packets);
      expect(sum((row) => row.bytes)).toBe(run.bytes);
      expect(sum((row) => row.deliveredBytes)).toBe(run.deliveredBytes);
      expect(sum((row) => row.drops)).toBe(drops);
      expect(sum((row) => row.deliver.count)).toBe(run.latency.deliver.count);
      expect(rows.every((row) => Number(row.startNs) % 1e6 === 0)).toBe(true);
    }
  });

  it("count a packet in the interval of its arrival", async () => {
    const { record } = await replay(CAPTURE, { interval: "100us", pps: "20000", provider: "zcrx" });
    const [run] = record.runs;
    const full = run!.intervals!.filter((row) => row.packets !== 0).slice(0, -1);
    expect(full.length).toBeGreaterThan(20);
    expect(new Set(full.map((row) => row.packets))).toEqual(new Set([2]));
  });

  it("change nothing else", async () => {
    const cases = [
      { capture: CAPTURE, interval: "70us", flags: { provider: "zcrx" } },
      { capture: CAPTURE, interval: "70us", flags: { topspeed: true, loop: "2", hold: "200us" } },
      { capture: LONG, interval: "10ms", flags: { provider: "page" } },
    ];
    for (const { capture, interval, flags } of cases) {
      if (!existsSync(capture)) continue;
      const plain = await replay(capture, { ...flags, streams: true });
      const cut = await replay(capture, { ...flags, streams: true, interval });
      expect(kept(cut.record)).toEqual(kept(plain.record));
    }
  });

  it("leave out times in which nothing happens, over a century too", async () => {
    const { record } = await replay("fixtures/edge/century.pcap", { interval: "1s" });
    for (const { intervals = [], packets } of record.runs) {
      expect(intervals.length).toBeLessThanOrEqual(Number(packets) * 2);
      expect(Number(intervals.at(-1)!.startNs)).toBeGreaterThan(2e18);
    }
  });
});
