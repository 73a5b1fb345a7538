import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { TruthRow } from "../../../fixtures/conversation.js";
import type { ManifestEntry, Truth } from "../../../fixtures/make.js";
import type { RunRecord, StreamRecord } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

const FOLDER = fileURLToPath(new URL("../../../fixtures/", import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
const { captures }: { captures: ManifestEntry[] } = json("MANIFEST.json");
const truth: Truth = json("truth.json");

/** Streams whose bytes the capture does not hold: nothing can be said about what is delivered. */
const UNSTATED = new Set(["edge/snaplen_96.pcap"]);

/** Checksums left to the device: a stack that verifies them delivers nothing. */
const OFFLOADED = new Set(["kernel/gso.pcap"]);

type Delivered = Pick<TruthRow, "src" | "sport" | "dst" | "dport" | "bytes" | "sha256" | "end">;

function plain(row: TruthRow | StreamRecord): Delivered {
  const { src, sport, dst, dport, sha256, end } = row;
  return { src, sport, dst, dport, bytes: Number(row.bytes), sha256, end };
}

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** The rows of a fixture that hold under a checksum policy. */
function wanted(file: string, checksum: "trust" | "verify"): Delivered[] {
  if (checksum === "verify" && OFFLOADED.has(file)) return [];
  const rows = truth[file]!.filter((row) => (row.checksum ?? checksum) === checksum);
  return rows.map(plain).sort(byText);
}

/** What a run delivered: every direction that is in the truth, or that delivered something. */
function delivered(run: RunRecord, want: readonly Delivered[]): Delivered[] {
  const key = ({ src, sport, dst, dport }: Delivered) => `${src} ${sport} ${dst} ${dport}`;
  const named = new Set(want.map(key));
  const rows = run.streams!.map(plain);
  return rows.filter((row) => row.bytes > 0 || named.has(key(row))).sort(byText);
}

function expectClean(run: RunRecord): void {
  expect(run.leaks).toMatchObject({ count: 0, zombies: 0, netmems: [] });
  expect(run.pool.inflight).toBe(0);
  expect(run.headerPool?.inflight ?? 0).toBe(0);
  expect(run.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
  const total = run.streams!.reduce((sum, row) => sum + Number(row.bytes), 0);
  expect(run.deliveredBytes).toBe(total);
  expect(Number(run.copy.bytes) + Number(run.reference.bytes)).toBe(total);
}

/** Where checksums are computed in a way of their own: other headers, joined or odd payload. */
const SUMMED =
  /checksum|fragment|option|extension|super|lengths|wrap|qinq|pppoe|loop|raw|sll|gso|jumbo/;

// A small machine: rings wrap and netmems come round again.
const SMALL = { area: "2MiB", ring: "128", queues: "2" };
const of = (pattern: RegExp) => captures.filter(({ file }) => pattern.test(file));

const CASES = [
  { checksum: "trust", machine: "of default size", more: {}, files: of(/^kernel/) },
  { checksum: "trust", machine: "that is small", more: SMALL, files: of(/^edge/) },
  { checksum: "verify", machine: "that is small", more: SMALL, files: of(SUMMED) },
  ...["bnxt", "gve"].map((driver) => ({
    checksum: "trust" as const,
    machine: `that is small, with ${driver}`,
    more: { ...SMALL, driver },
    files: of(/super|fragment|lengths|extension|wrap|interleaved|loop|raw/),
  })),
] as const;

describe.each(CASES)(
  "fixtures on a machine $machine, --checksum $checksum",
  ({ checksum, more, files }) => {
    test.each(files.map((entry) => [entry.file, entry] as const))("%s", async (file, entry) => {
      const { record, exitCode } = await replay(join(FOLDER, file), {
        ...more,
        streams: true,
        checksum,
      });
      const { capture, runs } = record;
      const damage = capture.damage.map(({ offset }) => Number(offset));
      expect(damage).toEqual(entry.damageOffset === undefined ? [] : [entry.damageOffset]);
      expect(exitCode).toBe(damage.length === 0 ? 0 : 5);
      const { packets } = entry;
      expect(capture.packets).toBe(packets);
      expect([...capture.linkTypes]).toEqual(entry.linkTypes);
      expect(runs.map((run) => run.provider)).toEqual(["page", "devmem", "zcrx"]);
      const want = wanted(file, checksum);
      for (const run of runs) {
        expectClean(run);
        expect(run.packets).toBe(packets);
        if (!UNSTATED.has(file)) expect(delivered(run, want)).toEqual(want);
      }
      const streams = runs.map((run) => run.streams);
      expect(streams[1]).toEqual(streams[0]);
      expect(streams[2]).toEqual(streams[0]);
    });
  },
);

describe("what fixtures show beside streams", () => {
  const recordOf = async (file: string, flags = {}) =>
    (await replay(join(FOLDER, file), flags)).record;
  const warned = (record: { warnings: ReadonlyArray<{ code: string }> }) =>
    record.warnings.map(({ code }) => code);

  test("wrong checksums are counted, and dropped only where they are verified", async () => {
    const trust = await recordOf("edge/bad_checksums.pcap");
    const verify = await recordOf("edge/bad_checksums.pcap", { checksum: "verify" });
    expect(Number(trust.capture.badChecksums)).toBeGreaterThan(0);
    expect(verify.capture.badChecksums).toBe(trust.capture.badChecksums);
    for (const run of trust.runs) expect(run.drops.TCP_CSUM).toBeUndefined();
    for (const run of verify.runs) expect(run.drops.TCP_CSUM).toBe(trust.capture.badChecksums);
    expect(warned(trust)).toContain("bad-checksums");
  });

  test("offloaded traffic of a real kernel has checksums that only trust delivers", async () => {
    const { capture } = await recordOf("kernel/gso.pcap");
    expect(Number(capture.badChecksums)).toBeGreaterThan(0);
  });

  test("timestamps that go back are clamped and counted", async () => {
    const record = await recordOf("edge/time_goes_back.pcap");
    // Of 18 packets every fourth goes back, and what follows it goes back less.
    expect(Number(record.capture.clampedTimestamps)).toBeGreaterThanOrEqual(4);
    expect(warned(record)).toContain("clamped-times");
  });

  test("a century is exact to the nanosecond", async () => {
    const { capture, runs } = await recordOf("edge/century.pcap");
    // 17 s and 3,155,760,000 s, and the fraction of the last packet in microseconds (17 ns cut).
    expect(String(capture.durationNs)).toBe(String((3_155_760_000n + 17n) * 1_000_000_000n));
    for (const run of runs) {
      // No stage of a packet lasts as long as the pause.
      expect(Number(run.latency.deliver.max)).toBeLessThan(1e9);
    }
  });

  test("what is no TCP is dropped by name, once a packet, after it took a buffer", async () => {
    const { capture, runs } = await recordOf("edge/not_tcp.pcap");
    for (const run of runs) {
      const drops = run.drops as Record<string, number>;
      expect(drops.UNHANDLED_PROTO).toBeGreaterThan(0);
      expect(drops.NO_SOCKET).toBeGreaterThan(0);
      expect(drops.PKT_TOO_SMALL).toBeGreaterThan(0);
      expect(run.driver.packets).toBe(capture.packets);
    }
  });

  test("a missing middle fragment times out, complete UDP fragments find no socket", async () => {
    const { runs } = await recordOf("edge/ipv4_fragments_incomplete.pcap");
    for (const run of runs) {
      const drops = run.drops as Record<string, number>;
      expect(drops.FRAG_REASM_TIMEOUT).toBe(2);
      expect(drops.NO_SOCKET).toBeGreaterThan(0);
    }
  });

  test("an overlap of fragments gives up the datagram", async () => {
    const { runs } = await recordOf("edge/ipv4_fragment_overlap.pcap");
    for (const run of runs) expect(Number(run.drops.DUP_FRAG)).toBeGreaterThanOrEqual(2);
  });

  test("mid-stream and one-sided sockets are said to be so", async () => {
    const record = await recordOf("edge/midstream_one_sided.pcap");
    expect(warned(record)).toEqual(expect.arrayContaining(["mid-stream", "one-sided"]));
    for (const run of record.runs) {
      expect(run.sockets).toMatchObject({ opened: 1, midStream: 1, oneSided: 1 });
    }
  });

  test("an ACK captured before its data stops nothing and is said", async () => {
    expect(warned(await recordOf("edge/ack_before_data.pcap"))).toContain("capture-order");
  });

  test("cut packets are counted", async () => {
    const record = await recordOf("edge/snaplen_96.pcap");
    const cut = record.warnings.find(({ code }) => code === "cut-packets");
    expect(cut?.message).toMatch(/^10 packets /);
  });
});
