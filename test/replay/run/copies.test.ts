import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { NetmemRecord } from "../../../src/replay/record/schema.js";
import { replay } from "../../support/replay.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
const CAPTURE = "kernel/loss_reorder.pcap";
const PAYLOAD = 26_180;
/** Data segments of the capture, retransmissions included, of which the stack needs 26. */
const SMALL = { streams: true, area: "4MiB", ring: "64" } as const;

async function run(flags: Record<string, string>, name = CAPTURE): Promise<NetmemRecord> {
  const { record, exitCode } = await replay(fixture(name), { ...SMALL, ...flags });
  expect(exitCode).toBe(0);
  for (const each of record.runs) {
    expect(each.leaks).toMatchObject({ count: 0, zombies: 0 });
    const reasons = Object.values(each.copy.byReason).reduce<number>((a, b) => a + Number(b), 0);
    expect(each.copy.bytes).toBe(reasons);
    expect(Number(each.copy.bytes) + Number(each.reference.bytes)).toBe(each.deliveredBytes);
  }
  const [first, ...others] = record.runs;
  for (const each of others) expect(each.streams).toEqual(first!.streams);
  return record;
}

/** Bytes copied for each reason, by provider. */
const reasons = ({ runs }: NetmemRecord) =>
  Object.fromEntries(runs.map((each) => [each.provider, each.copy.byReason]));

describe("what is copied, and why", () => {
  test("split packets: page copies all, the others nothing", async () => {
    const record = await run({});
    expect(reasons(record)).toEqual({ page: { recvmsg: PAYLOAD }, devmem: {}, zcrx: {} });
  });

  test("no steering: all is copied, because it was not steered", async () => {
    for (const steer of ["none", "port 80", "dst port 5201", "src host 10.77.9.9"]) {
      const record = await run({ steer });
      const all = { unsteered: PAYLOAD };
      expect(reasons(record)).toEqual({ page: { recvmsg: PAYLOAD }, devmem: all, zcrx: all });
      for (const each of record.runs.slice(1)) {
        expect(each.reference.bytes).toBe(0);
        // The provider's netmems lie unused in its rings.
        expect(each.recycle.endToEndPct).toBeNull();
      }
    }
  });

  test("steering of one side of the ports takes both directions apart", async () => {
    const both = await run({ steer: "port 8080" });
    expect(reasons(both)).toMatchObject({ devmem: {}, zcrx: {} });
    // 26,000 bytes come from port 8080, 180 go to it.
    const there = { unsteered: 180 };
    const back = { unsteered: 26_000 };
    expect(reasons(await run({ steer: "src port 8080" }))).toMatchObject({
      devmem: there,
      zcrx: there,
    });
    expect(reasons(await run({ steer: "dst port 8080" }))).toMatchObject({
      devmem: back,
      zcrx: back,
    });
  });

  test("every third packet unsplit: these are linear, the rest goes by reference", async () => {
    const record = await run({ hds: "fail=3" });
    const { page, devmem, zcrx } = reasons(record) as Record<string, Record<string, number>>;
    expect(page).toEqual({ recvmsg: PAYLOAD });
    for (const each of [devmem!, zcrx!]) {
      expect(Object.keys(each)).toEqual(["linear"]);
      expect(each.linear!).toBeGreaterThan(PAYLOAD / 6);
      expect(each.linear!).toBeLessThan((2 * PAYLOAD) / 3);
    }
    expect(zcrx).toEqual(devmem);
  });

  test("every packet unsplit: all is linear", async () => {
    const all = { linear: PAYLOAD };
    const record = await run({ hds: "fail=1" });
    expect(reasons(record)).toEqual({ page: { recvmsg: PAYLOAD }, devmem: all, zcrx: all });
  });

  test("split off: page alone can do it; the kernel refuses the others", async () => {
    const record = await run({ hds: "off", provider: "page" });
    expect(reasons(record)).toEqual({ page: { recvmsg: PAYLOAD } });
    for (const provider of ["devmem", "zcrx"]) {
      await expect(run({ hds: "off", provider })).rejects.toMatchObject({
        code: "NETMEM_USAGE",
        exitCode: 2,
      });
    }
  });

  test("jumbo frames and offloaded ones go by reference too", async () => {
    for (const name of ["kernel/jumbo.pcap", "kernel/gso.pcap", "edge/superframe_63k.pcap"]) {
      const { runs } = await run({}, name);
      for (const each of runs.slice(1)) expect(each.copy.bytes).toBe(0);
    }
  });

  test("fragments land on page queues and are copied by a reason of their own", async () => {
    const { runs } = await run({}, "edge/ipv4_fragments_odd.pcap");
    for (const each of runs.slice(1)) {
      expect(Object.keys(each.copy.byReason)).toEqual(["defragmented"]);
      expect(Number(each.reference.bytes)).toBeGreaterThan(0);
    }
  });
});

describe("what is verified", () => {
  test("drops wrong checksums alike for all providers, and copies no more than that", async () => {
    const { runs, capture } = await run({ checksum: "verify" }, "edge/bad_checksums.pcap");
    for (const each of runs) {
      expect(each.drops.TCP_CSUM).toBe(capture.badChecksums);
      expect(each.deliveredBytes).toBe(900);
    }
    expect(runs[1]!.copy.bytes).toBe(0);
  });
});

describe("the driver's bytes", () => {
  test("are those of the frames, whatever is split", async () => {
    for (const hds of ["on", "fail=3", "fail=1"]) {
      const { runs, capture } = await run({ hds });
      for (const each of runs) {
        expect(each.driver).toMatchObject({ packets: capture.packets, bytes: capture.bytes });
        expect(each.dma.bytes).toBe(capture.bytes);
        expect(Number(each.dma.copies)).toBeGreaterThanOrEqual(Number(capture.packets));
      }
    }
  });
});
