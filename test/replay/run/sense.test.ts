import { beforeAll, describe, expect, test } from "vitest";
import type { NetmemRecord, RunRecord } from "../../../src/replay/record/schema.js";
import { captureFiles, hasSharedCaptures } from "../../support/captures.js";
import { replay } from "../../support/replay.js";

const NAME = "loss1_reorder.pcap";
const PAYLOAD = 25_166_692;
/** PP_ALLOC_CACHE_REFILL: pages that one slow allocation brings. */
const BULK = 64;

const count = (counts: Record<string, number | string>, name: string) => Number(counts[name] ?? 0);

async function run(flags: Record<string, string | boolean>): Promise<NetmemRecord> {
  const path = captureFiles().find(({ name }) => name === NAME)!.path;
  const { record, exitCode } = await replay(path, { streams: true, ...flags });
  expect(exitCode).toBe(0);
  return record;
}

const byName = (record: NetmemRecord) =>
  Object.fromEntries(record.runs.map((each) => [each.provider, each])) as Record<
    "page" | "devmem" | "zcrx",
    RunRecord
  >;

/** Invariants 1, 2, 14 and 17 to 21 of the model as far as a record shows them. */
function expectSoundCounters(each: RunRecord): void {
  const pools = [each.pool, ...(each.headerPool === null ? [] : [each.headerPool])];
  for (const pool of pools) {
    expect([pool.inflight, Number(pool.hold) - Number(pool.release)]).toEqual([0, 0]);
    expect([pool.allocSlowHighOrder, pool.allocWaive, pool.recycleReleasedRefcnt]).toEqual([
      0, 0, 0,
    ]);
    const taken = Number(pool.recycleRing) + Number(pool.recycleRingFull);
    expect(Number(pool.recycleCacheFull)).toBeLessThanOrEqual(taken);
    expect(Number(pool.allocEmpty)).toBeGreaterThanOrEqual(Number(pool.allocSlow));
  }
  if (each.provider !== "page") expect(each.pool.allocSlow).toBe(0);
  const paged = each.provider === "page" ? each.pool : each.headerPool!;
  expect(paged.hold).toBeLessThanOrEqual(BULK * Number(paged.allocSlow));
  expect(Number(paged.allocSlow)).toBeGreaterThan(0);
  expect(each.leaks).toMatchObject({ count: 0, zombies: 0 });
}

/** Last puts that the page pools took in, by their own statistics. */
const putsCounted = (each: RunRecord) =>
  [each.pool, each.headerPool].reduce(
    (sum, pool) =>
      pool === null
        ? sum
        : sum +
          Number(pool.recycleCached) +
          Number(pool.recycleRing) +
          Number(pool.recycleRingFull),
    0,
  );

describe.runIf(hasSharedCaptures)("a bulk transfer with loss and reordering", () => {
  let record: NetmemRecord;
  beforeAll(async () => {
    record = await run({});
  });

  test("is read whole by all, copied by page alone", () => {
    const { page, devmem, zcrx } = byName(record);
    expect(page.copy).toEqual({ bytes: PAYLOAD, byReason: { recvmsg: PAYLOAD } });
    expect(page.reference.bytes).toBe(0);
    for (const each of [devmem, zcrx]) {
      expect(each.copy).toEqual({ bytes: 0, byReason: {} });
      expect(each.reference.bytes).toBe(PAYLOAD);
      expect(each.streams).toEqual(page.streams);
    }
    for (const each of record.runs) {
      expect(each.deliveredBytes).toBe(PAYLOAD);
      expect(each.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
      expect(each.recycle.endToEndPct).toBe(100);
      expect(count(each.tcp, "TCPOFOQueue")).toBeGreaterThan(500);
    }
  });

  test("leaves counters that add up", () => {
    for (const each of record.runs) expectSoundCounters(each);
    const { page, devmem, zcrx } = byName(record);
    // Invariant 14: each netmem that came back is in one statistic, but for refill entries (Z4).
    expect(putsCounted(page)).toBe(page.latency.lifetime.count);
    expect(putsCounted(devmem)).toBe(devmem.latency.lifetime.count);
    expect(putsCounted(zcrx)).toBeLessThan(Number(zcrx.latency.lifetime.count));
    // So ynltool's rate says almost nothing of zcrx.
    expect(page.recycle.recyclingPct).toBeGreaterThan(50);
    expect(devmem.recycle.recyclingPct).toBeGreaterThan(90);
    expect(zcrx.recycle.recyclingPct).toBeLessThan(5);
  });

  test("a stage's samples are as many as the bytes need, and its order holds", () => {
    for (const { latency } of record.runs) {
      expect(latency.stack.count).toBe(latency.deliver.count);
      expect(latency.app.count).toBe(latency.deliver.count);
      expect(Number(latency.deliver.max)).toBeGreaterThanOrEqual(Number(latency.stack.max));
      expect(Number(latency.deliver.min)).toBeGreaterThanOrEqual(Number(latency.driver.min));
      // Segments behind a hole wait for its retransmission.
      expect(Number(latency.stack.max)).toBeGreaterThan(50e6);
    }
  });
});

describe.runIf(hasSharedCaptures)("an area too small, and an application that holds", () => {
  let record: NetmemRecord;
  beforeAll(async () => {
    record = await run({ queues: "1", ring: "64", area: "1MiB", hold: "50ms" });
  });

  test("drops at the NIC, never as a zero window", () => {
    const { page, devmem, zcrx } = byName(record);
    for (const each of [devmem, zcrx]) {
      const dropped = count(each.drops, "RX_HW_DROP_OVERRUNS");
      expect(dropped).toBeGreaterThan(1000);
      expect(each.driver.ppq_alloc_failed).toBeGreaterThan(0);
      expect(Number(each.driver.packets) + dropped).toBe(record.capture.packets);
      const windows = Object.keys(each.tcp).filter((name) =>
        /ZeroWindow|RcvQDrop|Prune/.test(name),
      );
      expect(windows).toEqual([]);
      const memory = Object.keys(each.drops).filter((name) => /ZEROWINDOW|PROTO_MEM/.test(name));
      expect(memory).toEqual([]);
      expect(each.streams!.some((row) => row.end === "hole")).toBe(true);
    }
    // recvmsg copies and gives back at once: the same area suffices.
    expect(page.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
    expect(page.deliveredBytes).toBe(PAYLOAD);
  });

  test("and still every netmem comes back, and the counters add up", () => {
    for (const each of record.runs) expectSoundCounters(each);
    const { devmem, zcrx } = byName(record);
    // The area is used up, and no netmem is made of nothing: 1 MiB in pieces of 4 KiB, of which
    // a few went back to the provider, where the ptr_ring was full, and were taken again.
    for (const each of [devmem, zcrx]) {
      expect(Number(each.pool.hold)).toBeGreaterThanOrEqual(256);
      const app = each.owners!.map((point) => Number(point.app));
      expect(Math.max(...app)).toBeGreaterThan(200);
      expect(Math.max(...app)).toBeLessThanOrEqual(256);
    }
    expect(Number(devmem.pool.allocEmpty)).toBeGreaterThan(256);
  });

  test("while enough memory, or a shorter hold, drops nothing", async () => {
    const small = { queues: "1", ring: "64", provider: "devmem,zcrx" };
    for (const flags of [
      { area: "4MiB", hold: "20ms" },
      { area: "1MiB", hold: "5ms" },
    ]) {
      const { runs } = await run({ ...small, ...flags });
      for (const each of runs) {
        expect(each.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
        expect(each.deliveredBytes).toBe(PAYLOAD);
        expect(Number(each.latency.hold.min)).toBeGreaterThanOrEqual(5e6);
      }
    }
  });
});

describe.runIf(hasSharedCaptures)(
  "a receive buffer too small, and an application that sleeps",
  () => {
    test("closes the window, and drops nothing at the NIC", async () => {
      const { runs } = await run({ rcvbuf: "64KiB", "read-delay": "20ms" });
      for (const each of runs) {
        expect(each.drops.RX_HW_DROP_OVERRUNS).toBeUndefined();
        expect(count(each.tcp, "WantZeroWindowAdv")).toBeGreaterThan(0);
        const refused = Object.keys(each.drops).filter((name) => name.startsWith("TCP_"));
        expect(refused.length).toBeGreaterThan(0);
        expect(Number(each.deliveredBytes)).toBeLessThan(PAYLOAD);
        expectSoundCounters(each);
      }
    });
  },
);
