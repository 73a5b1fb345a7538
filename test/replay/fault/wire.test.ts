import { describe, expect, it } from "vitest";
import { FIXTURES, faulty, wrong } from "./plans.js";

const FLAGS = { streams: true };

const lossy = (seed: string, faults = "loss@random,rate=20%") =>
  faulty(FIXTURES.flows, faults, { ...FLAGS, seed });

describe("a faulty wire", () => {
  it("loses the packets that it is told to lose, for all providers alike", async () => {
    const { record } = await faulty(FIXTURES.http, "loss@5,count=3", FLAGS);
    const { packets } = record.capture;
    for (const run of record.runs) {
      expect(run.packets).toBe(Number(packets) - 3);
      expect(run.faults!.map(({ packet }) => packet)).toEqual([5, 6, 7]);
    }
  });

  it("is the same for the same seed, and another for another", async () => {
    const host = ({ runs }: { runs: Array<{ host?: unknown }> }) =>
      runs.map(({ host: _, ...rest }) => rest);
    const [first, again, other] = await Promise.all([lossy("7"), lossy("7"), lossy("8")]);
    expect(host(first.record)).toEqual(host(again.record));
    expect(first.record.runs[0]!.faults).not.toEqual(other.record.runs[0]!.faults);
    expect(wrong(first.record)).toEqual([]);
  });

  it("changes no byte where packets are doubled and reordered", async () => {
    const plain = await lossy("1", "link-up@1");
    const doubled = await lossy("1", "duplicate@random,rate=30%,reorder@random,rate=30%,by=4");
    const digests = (each: typeof plain) =>
      each.record.runs.map((run) => run.streams!.map(({ bytes, sha256 }) => [bytes, sha256]));
    expect(digests(doubled)).toEqual(digests(plain));
    expect(doubled.record.runs[0]!.packets).toBeGreaterThan(Number(plain.record.runs[0]!.packets));
  });

  it("shows a flipped bit as a bad checksum, and verify drops it", async () => {
    const faults = "corrupt@12,count=4";
    const trusted = await faulty(FIXTURES.http, faults, FLAGS);
    expect(Number(trusted.record.capture.badChecksums)).toBeGreaterThan(0);
    const verified = await faulty(FIXTURES.http, faults, { ...FLAGS, checksum: "verify" });
    const { drops } = verified.record.runs[0]!;
    expect(Number(drops.TCP_CSUM ?? 0) + Number(drops.IP_CSUM ?? 0)).toBeGreaterThan(0);
  });

  it("cuts frames, which the stack then drops as malformed", async () => {
    const { record } = await faulty(FIXTURES.http, "truncate@12,count=3", FLAGS);
    expect(wrong(record)).toEqual([]);
    const sum = Object.values(record.runs[0]!.drops).reduce<number>((a, b) => a + Number(b), 0);
    expect(sum).toBeGreaterThan(0);
  });

  it("says what never came to pass", async () => {
    const { record } = await faulty(FIXTURES.http, "loss@100000,link-down@200000");
    expect(record.warnings.filter(({ code }) => code === "fault-missed")).toHaveLength(2);
  });
});
