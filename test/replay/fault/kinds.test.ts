import { describe, expect, it } from "vitest";
import { FAULT_NAMES } from "../../../src/engine/fault/kinds.js";
import type { RunRecord } from "../../../src/replay/record/schema.js";
import { FIXTURES, faulty, wrong } from "./plans.js";

/** The run of one provider. */
async function run(provider: string, faults: string, flags = {}): Promise<RunRecord> {
  const { record } = await faulty(FIXTURES.http, faults, { provider, streams: true, ...flags });
  expect(wrong(record)).toEqual([]);
  return record.runs[0]!;
}

const events = (runs: RunRecord) => runs.faults!.map(({ fault, effect }) => [fault, effect]);

describe("no fault makes the kernel leak", () => {
  it.each(FAULT_NAMES)("%s", async (kind) => {
    const { record, exitCode } = await faulty(FIXTURES.loss, `${kind}@12`);
    expect(wrong(record)).toEqual([]);
    expect(exitCode).toBe(0);
    for (const { faults } of record.runs) expect(faults).toMatchObject([{ packet: 12 }]);
  });
});

describe("an application that", () => {
  it("crashes reads nothing more, and its tokens go with its sockets", async () => {
    const whole = await run("devmem", "peek@1");
    const dead = await run("devmem", "app-crash@14");
    expect(Number(dead.deliveredBytes)).toBeLessThan(Number(whole.deliveredBytes));
  });

  it("hangs for a while reads all the same, later", async () => {
    const now = await run("zcrx", "peek@1");
    const later = await run("zcrx", "app-hang@1,for=1s");
    expect(later.deliveredBytes).toBe(now.deliveredBytes);
    expect(Number(later.latency.app.max)).toBeGreaterThan(0.9e9);
  });

  it("hangs for ever reads nothing", async () => {
    expect((await run("devmem", "app-hang@1")).deliveredBytes).toBe(0);
  });

  it("is slow is slow", async () => {
    const slow = await run("devmem", "slow-reader@1,by=5ms");
    expect(Number(slow.latency.app.max)).toBeGreaterThan(3e6);
  });

  it("gives back late holds longer", async () => {
    const late = await run("devmem", "late-return@1,by=20ms");
    expect(Number(late.latency.hold.min)).toBeGreaterThan(20e6);
  });

  it("hoards for a time gives all back at its end", async () => {
    const plain = await run("zcrx", "link-up@1");
    const aWhile = await run("zcrx", "hoarder@1,for=2s");
    expect(aWhile.streams).toEqual(plain.streams);
    expect(Number(plain.latency.hold.max)).toBeLessThan(1e9);
    expect(Number(aWhile.latency.hold.max)).toBeGreaterThan(1e9);
    expect(Number(aWhile.latency.hold.max)).toBeLessThan(2.1e9);
  });

  it("lost its ring stays without, whatever hang ends", async () => {
    const faults = "unregister@6,app-hang@2ms,for=50us";
    const dead = await run("zcrx", faults, { driver: "bnxt", area: "1MiB" });
    expect(dead.deliveredBytes).toBe(
      (await run("zcrx", "unregister@6", { driver: "bnxt" })).deliveredBytes,
    );
  });

  it("peeks has tokens for what it did not take yet", async () => {
    const plain = await run("devmem", "link-up@1");
    const peeked = await run("devmem", "peek@1,count=3");
    expect(Number(peeked.latency.hold.count)).toBeGreaterThan(Number(plain.latency.hold.count));
    expect(peeked.streams).toEqual(plain.streams);
  });

  it("returns wrongly changes no byte that is delivered", async () => {
    const plain = await run("devmem", "link-up@1");
    const faults = "duplicate-token@1,count=5,bogus-token@1,count=5,wild-token@1,count=5";
    expect((await run("devmem", faults)).streams).toEqual(plain.streams);
    const rqes = "malformed-rqe@1,count=9,duplicate-rqe@1,count=9,foreign-rqe@1,count=9";
    expect((await run("zcrx", rqes)).streams).toEqual(plain.streams);
    expect((await run("zcrx", "wild-tail@20")).streams).toEqual(plain.streams);
  });

  it("has no use for a fault of another interface is told so", async () => {
    expect(events(await run("page", "wild-tail@1,small-control@2"))).toEqual([
      ["wild-tail@1", "no effect: no refill ring with this provider"],
      ["small-control@2", "no effect: no tokens with this provider"],
    ]);
  });
});

describe("the kernel", () => {
  it("answers what it refuses", async () => {
    expect(events(await run("devmem", "header-split@9,channels@10"))).toEqual([
      ["header-split@9", "refused with -EINVAL"],
      ["channels@10", "refused with -EINVAL"],
    ]);
  });

  it("gives the queue to the next after a restart that failed once", async () => {
    const failed = await run("devmem", "restart-fails@9");
    expect(events(failed)).toEqual([["restart-fails@9", "refused with -EIO"]]);
    expect(failed.streams).toEqual((await run("devmem", "link-up@1")).streams);
  });

  it("drops at the NIC while a provider has nothing to give", async () => {
    const dry = await run("devmem", "alloc-fail@1,for=1s", { ring: "8" });
    expect(Number(dry.driver.ppq_alloc_failed)).toBeGreaterThan(0);
  });

  it("releases pages that somebody else holds", async () => {
    const held = await run("page", "page-refs@14,count=1000");
    expect(Number(held.pool.recycleReleasedRefcnt)).toBeGreaterThan(0);
  });

  it("copies what the NIC left unsplit", async () => {
    const unsplit = await run("devmem", "split-fail@1,count=12");
    expect(Number(unsplit.copy.byReason.linear)).toBeGreaterThan(0);
    expect(unsplit.streams).toEqual((await run("devmem", "link-up@1")).streams);
  });
});
