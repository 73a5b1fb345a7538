import { describe, expect, test } from "vitest";
import type { StreamRecord } from "../../../src/replay/record/schema.js";
import { captureFiles, hasSharedCaptures, indexRow, truthOf } from "../../support/captures.js";
import { replay } from "../../support/replay.js";

interface TruthRow {
  src: string;
  sport: number;
  dst: string;
  dport: number;
  trusted: boolean;
  has_gap: boolean;
  bytes_tshark: number;
  sha256_tshark: string;
  bytes_contig: number | null;
  sha256_contig: string | null;
}

/** Streams on the same 4-tuple, in order. */
function rowsOf(streams: readonly StreamRecord[], want: TruthRow): StreamRecord[] {
  return streams.filter(
    (row) =>
      row.src === want.src &&
      row.sport === want.sport &&
      row.dst === want.dst &&
      row.dport === want.dport,
  );
}

/** Captures that bnxt and gve replay too; NETMEM_TRUTH_ALL=1 takes all. */
const OTHER_DRIVERS =
  /http_reorder|ip4_fragments|ipv6_sack|seq_wrap|tso_frames|tcp_in_ip4|vlan_retx|62flows/;
const takesAll = process.env.NETMEM_TRUTH_ALL === "1";
const rows = captureFiles().flatMap((file) => {
  const more = takesAll || OTHER_DRIVERS.test(file.name) ? ["bnxt", "gve"] : [];
  return ["fbnic", ...more].map((driver) => ({ ...file, driver }));
});

describe.runIf(hasSharedCaptures)("what two independent reassemblers delivered", () => {
  test.each(rows)("$name on $driver", async ({ name, path, driver }) => {
    const { record, exitCode } = await replay(path, { streams: true, driver });
    const damaged = record.capture.damage.length > 0;
    expect(exitCode).toBe(damaged ? 5 : 0);
    const truth = truthOf(name).streams as unknown as TruthRow[];
    for (const run of record.runs) {
      expect(run.leaks).toMatchObject({ count: 0, zombies: 0 });
      expect(run.pool.inflight).toBe(0);
      const missing: unknown[] = [];
      const taken = new Set<StreamRecord>();
      for (const want of truth) {
        if (!want.trusted) continue;
        const found = rowsOf(run.streams!, want).find(
          (row) => row.sha256 === want.sha256_tshark && !taken.has(row),
        );
        if (found === undefined) missing.push([run.provider, want, rowsOf(run.streams!, want)]);
        else taken.add(found);
      }
      expect(missing).toEqual([]);
    }
    expect(record.warnings.filter(({ code }) => code === "time-order")).toEqual([]);
    const row = indexRow(name);
    expect(record.capture.packets).toBe(Number(row.packets));
    const drops = record.runs.map(({ drops: each }) =>
      Object.keys(each).filter((reason) => reason.startsWith("RX_")),
    );
    expect(drops).toEqual([[], [], []]);
  });
});
