import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type NetmemRecord, recordSchema } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));

const CAPTURES = [
  "kernel/loss_reorder.pcap",
  "kernel/flows64.pcap",
  "edge/ipv4_fragments_odd.pcap",
] as const;

/** A record without what may differ: the host's figures, and what was asked for. */
function comparable(record: NetmemRecord): unknown {
  const { config, reproduce, runs, ...rest } = record;
  expect(reproduce).not.toBe("");
  const { seed, ...settings } = config;
  expect(seed).toBeGreaterThanOrEqual(0);
  return { ...rest, settings, runs: runs.map(({ host, ...run }) => ({ ...run, had: !!host })) };
}

const run = async (name: string, flags: Record<string, string | boolean>) =>
  (await replay(fixture(name), { streams: true, ...flags })).record;

describe.each(CAPTURES)("%s", (name) => {
  // A machine small enough for rings to wrap, holds to overlap and polls to end on their budget.
  const small = { ring: "64", area: "4MiB", budget: "4", hold: "3ms", leaks: "trace" };

  test("twice the same, bit for bit, but for the host", async () => {
    const [one, two] = [await run(name, small), await run(name, small)];
    expect(JSON.stringify(comparable(two))).toBe(JSON.stringify(comparable(one)));
    expect(two.reproduce).toBe(one.reproduce);
    expect(recordSchema.parse(one)).toEqual(one);
  });

  test("with another seed only the host's sampling differs", async () => {
    const [one, two] = [await run(name, small), await run(name, { ...small, seed: "7" })];
    expect(comparable(two)).toEqual(comparable(one));
    expect([one.config.seed, two.config.seed]).toEqual([1, 7]);
  });

  test("a provider alone does what it does beside the others", async () => {
    const all = await run(name, small);
    for (const [i, provider] of ["page", "devmem", "zcrx"].entries()) {
      const alone = await run(name, { ...small, provider });
      expect(alone.runs).toHaveLength(1);
      const [mine, theirs] = [alone, { ...all, runs: [all.runs[i]!] }].map(comparable) as Array<{
        runs: unknown;
      }>;
      expect(mine!.runs).toEqual(theirs!.runs);
    }
  });
});
