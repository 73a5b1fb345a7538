import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import { ACK, PSH } from "../../../fixtures/frames.js";
import { DRIVERS } from "../../../src/engine/driver/profile.js";
import { dataFrame, QueueRig } from "./queue-rig.js";

const frame = (len: number, seed: number) => dataFrame(noise(len, seed), { flags: ACK | PSH });

describe.each(DRIVERS)("a restart of a %s queue", (driver) => {
  test.each(["page", "devmem", "zcrx"] as const)("of %s loses no netmem and goes on", (kind) => {
    const rig = new QueueRig({ driver, kind, ring: 16, netmems: 128, frees: false });
    for (let i = 0; i < 5; i++) rig.arrive(frame(900, i));
    expect(rig.take()).toHaveLength(5);
    const used = rig.made[0]!.queue.usedPayloads;
    expect(rig.netdev.mgmt.restart(0)).toBe(0);
    expect(rig.made[0]!.queue.usedPayloads).toBeGreaterThanOrEqual(used);
    rig.freeKept();
    rig.rig.clock.nowNs += 2e9;
    rig.rig.pools.retryRelease();
    for (let i = 0; i < 5; i++) rig.arrive(frame(900, i));
    expect(rig.take()).toHaveLength(5);
    expect(rig.made[0]!.queue.usedPayloads).toBeGreaterThan(used);
    rig.freeKept();
    rig.rig.pools.audit();
    rig.netdev.stop();
    rig.rig.pools.audit();
    const out = rig.rig.pools.pools.reduce((sum, pool) => sum + (pool?.inflight ?? 0), 0);
    expect(out).toBe(0);
  });

  test("drops what was completed and not polled, and gives it back", () => {
    const rig = new QueueRig({ driver, ring: 16, napi: { rxUsecs: 900, rxFrames: 99 } });
    for (let i = 0; i < 3; i++) rig.arrive(frame(900, i), 0);
    expect(rig.netdev.mgmt.restart(0)).toBe(0);
    expect(rig.take()).toHaveLength(0);
    expect(rig.drop("NETMEM_QUEUE_STOPPED")).toBe(3);
    rig.rig.pools.audit();
  });

  test("takes what comes after it by an interrupt, though the one before never came", () => {
    const rig = new QueueRig({ driver, ring: 16, napi: { rxUsecs: 900, rxFrames: 0 } });
    rig.arrive(frame(900, 1), 0);
    expect(rig.netdev.mgmt.restart(0)).toBe(0);
    rig.arrive(frame(900, 2), rig.rig.clock.nowNs + 1e6);
    expect(rig.take()).toHaveLength(1);
  });
});

describe.each(DRIVERS)("other ring lengths of a %s queue", (driver) => {
  test.each([
    [8, 64],
    [64, 8],
  ])("%d, then %d: as many packets wait as there are buffers, each once", (from, to) => {
    const napi = { rxUsecs: 9000, rxFrames: 9999 };
    const rig = new QueueRig({ driver, kind: "page", ring: from, netmems: 512, napi });
    rig.netdev.ring = to;
    expect(rig.netdev.rebuild()).toBe(0);
    const made = rig.rig.clock.nowNs + 1e6;
    // One flow, so that bnxt aggregates; more packets than either ring has buffers.
    let seq = 1;
    for (let i = 0; i < 80; i++) {
      rig.arrive(dataFrame(noise(600, i), { sport: i % 9, seq, flags: ACK }), made);
      seq += 600;
    }
    rig.rig.pools.audit();
    rig.netdev.stop();
    rig.rig.pools.audit();
    const out = rig.rig.pools.pools.reduce((sum, pool) => sum + (pool?.inflight ?? 0), 0);
    expect(out).toBe(0);
  });
});

describe("what a restart costs the other queues", () => {
  const NEXT_NS = 50_000;
  const losses = (driver: (typeof DRIVERS)[number]) => {
    const rig = new QueueRig({ driver, queues: 2, ring: 256, netmems: 2048 });
    expect(rig.netdev.mgmt.restart(0)).toBe(0);
    // 64 flows: some on each of the two queues.
    for (let i = 0; i < 64; i++) rig.arrive(dataFrame(noise(100, i), { sport: i + 1 }), NEXT_NS);
    const queues = new Set(rig.take().map(({ queue }) => queue));
    return { queues: [...queues].sort(), dropped: rig.drop("RX_HW_DROP_OVERRUNS") };
  };

  test("fbnic: nothing", () => {
    expect(losses("fbnic")).toEqual({ queues: [0, 1], dropped: 0 });
  });

  test("gve: the queue itself is away for a while, the others are not", () => {
    const { queues, dropped } = losses("gve");
    expect(queues).toEqual([1]);
    expect(dropped).toBeGreaterThan(0);
  });

  test("bnxt: the VNIC's receive size is 0, so that its other queues lose packets too", () => {
    expect(losses("bnxt")).toEqual({ queues: [], dropped: 64 });
  });

  test("bnxt with a full provider: the restart fails before the old queue is stopped", () => {
    const rig = new QueueRig({ driver: "bnxt", ring: 8, netmems: 8 });
    expect(rig.netdev.mgmt.restart(0)).toBe(-12);
    expect(rig.slots.payloads.room).toBe(8);
    rig.rig.pools.audit();
  });

  test("gve and fbnic with a full provider: the queue comes up dry", () => {
    for (const driver of ["gve", "fbnic"] as const) {
      const rig = new QueueRig({ driver, ring: 8, netmems: 6, frees: false });
      for (let i = 0; i < 6; i++) rig.arrive(frame(4096, i));
      rig.take();
      expect(rig.netdev.mgmt.restart(0)).toBe(0);
      rig.arrive(frame(100, 1), rig.rig.clock.nowNs + 1e9);
      expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBeGreaterThan(0);
    }
  });
});
