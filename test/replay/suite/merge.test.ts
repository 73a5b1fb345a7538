import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import { type NetmemSuite, suiteSchema } from "../../../src/replay/record/schema.js";
import { runReplay } from "../../../src/replay/run/run-replay.js";
import { type MergePart, mergeParts } from "../../../src/replay/suite/merge.js";
import { captureOf, recordOf } from "../../report/sample-record.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));

const CAPTURES = [
  "kernel/http4.pcap",
  "kernel/loss_reorder.pcap",
  "edge/cut_header.pcap",
  "edge/overlap_conflict.pcap",
  "kernel/zero_window.pcap",
  "edge/no_packets.pcap",
].map(fixture);

async function replay(shard?: string): Promise<NetmemSuite> {
  const flags = { area: "1MiB", ring: "64", hold: "1ms", ...(shard ? { shard } : {}) };
  const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
  const hooks = { signal: new AbortController().signal, warn: () => undefined };
  const { document } = await runReplay(config, CAPTURES, hooks);
  return document as NetmemSuite;
}

const part = (file: string, document: MergePart["document"]): MergePart => ({ file, document });

/** A document without what the host's clock gave. */
function modelOf(document: unknown): unknown {
  return JSON.parse(
    JSON.stringify(document, (key, value: unknown) => (key === "host" ? undefined : value)),
  );
}

describe("shards of a suite", async () => {
  const whole = await replay();
  const shards = await Promise.all(["1/4", "2/4", "3/4", "4/4"].map(replay));
  const parts = shards.map((shard, i) => part(`${i + 1}.json`, shard));
  const merged = (list: readonly MergePart[]) => mergeParts(list).document;

  it("join to what one machine would have written, in any order", () => {
    expect(shards.map((shard) => shard.shard!.positions.length)).not.toContain(6);
    expect(JSON.stringify(modelOf(merged(parts)))).toBe(JSON.stringify(modelOf(whole)));
    expect(modelOf(merged([...parts].reverse()))).toEqual(modelOf(whole));
    expect(suiteSchema.parse(shards[1])).toEqual(shards[1]);
  });

  it("add counters and histograms", () => {
    const { providers } = (merged(parts) as NetmemSuite).summary;
    for (const total of providers!) {
      const runs = whole.records.flatMap((record) =>
        record.runs.filter((run) => run.provider === total.provider),
      );
      const sum = (of: (run: (typeof runs)[number]) => number | string) =>
        runs.reduce((all, run) => all + Number(of(run)), 0);
      expect(total.pool.hold).toBe(sum((run) => run.pool.hold));
      expect(total.latency.deliver.count).toBe(sum((run) => run.latency.deliver.count));
      expect(Number(total.latency.deliver.max)).toBe(
        Math.max(...runs.map((run) => Number(run.latency.deliver.max))),
      );
    }
  });

  it("are refused when one is missing", () => {
    expect(() => merged(parts.slice(0, 3))).toThrow("shard 4 of 4 missing");
  });

  it("are refused when they overlap", () => {
    expect(() => merged([...parts, part("again.json", shards[1]!)])).toThrow(
      "again.json and 2.json overlap: both are shard 2 of 4",
    );
  });

  it("are refused when a capture is in none", () => {
    const cut = structuredClone(shards[0]!);
    cut.records.pop();
    cut.shard!.positions.pop();
    expect(() => merged([part("cut.json", cut), ...parts.slice(1)])).toThrow(
      "1 of 6 captures are in no shard",
    );
  });

  it("are refused when they are of another list, count, setting or build", () => {
    const odd = (change: (shard: NetmemSuite) => void) => {
      const shard = structuredClone(shards[3]!);
      change(shard);
      return () => merged([...parts.slice(0, 3), part("odd.json", shard)]);
    };
    const list = (shard: NetmemSuite) => {
      shard.shard!.listSha256 = "0".repeat(64);
    };
    expect(odd(list)).toThrow("their lists of captures differ");
    const count = (shard: NetmemSuite) => {
      shard.shard!.count = 5;
    };
    expect(odd(count)).toThrow("odd.json is shard 4 of 5");
    const setting = (shard: NetmemSuite) => {
      shard.records[0]!.config.ring = 128;
    };
    expect(odd(setting)).toThrow("ring differs");
    const build = (shard: NetmemSuite) => {
      shard.netmem = { version: "9.9.9", commit: null };
    };
    expect(odd(build)).toThrow("made by netmem 9.9.9");
  });

  it("are refused beside what is no shard", () => {
    expect(() => merged([...parts, part("whole.json", whole)])).toThrow("whole.json is no shard");
  });
});

describe("plain records", () => {
  const at = (path: string) => recordOf({ capture: captureOf({ path }) });

  it("of different captures join to a suite in the order given", () => {
    const { document } = mergeParts([part("a", at("a.pcap")), part("b", at("b.pcap"))]);
    const paths = (document as NetmemSuite).records.map(({ capture }) => capture.path);
    expect(paths).toEqual(["a.pcap", "b.pcap"]);
  });

  it("of one capture overlap", () => {
    expect(() => mergeParts([part("a", at("a.pcap")), part("b", at("a.pcap"))])).toThrow(
      "b and a overlap: both have a.pcap",
    );
  });
});
