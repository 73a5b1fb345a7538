import { describe, expect, test } from "vitest";
import { noise } from "../../../fixtures/conversation.js";
import { ACK, ethernet, PSH } from "../../../fixtures/frames.js";
import { COST_TABLES, DEFAULT_COSTS } from "../../../src/engine/clock/costs.js";
import { dataFrame, QueueRig } from "./queue-rig.js";

const FRAME = (i: number) => dataFrame(noise(1000, i), { flags: ACK | PSH });
const times = (rig: QueueRig) => rig.up.map(({ nowNs }) => nowNs);
const NEVER = Number.POSITIVE_INFINITY;

describe("interrupt moderation", () => {
  const irqNs = 300;
  const costs = { ...COST_TABLES.free!, irqNs };

  test("the first packet arms a timer of rx-usecs, later ones do not move it", () => {
    const rig = new QueueRig({ napi: { rxUsecs: 50, rxFrames: 100 }, costs });
    const { queue } = rig;
    expect(queue.dueNs).toBe(NEVER);
    rig.arrive(FRAME(0), 1000);
    rig.arrive(FRAME(1), 30_000);
    expect(queue.dueNs).toBe(1000 + 50_000 + irqNs);
    expect(queue.pending).toBe(2);
    rig.runTo(60_000);
    expect(rig.up).toHaveLength(2);
    expect([queue.dueNs, queue.pending, queue.polls]).toEqual([NEVER, 0, 1]);
  });

  test("the rx-frames'th packet interrupts at once", () => {
    const rig = new QueueRig({ napi: { rxUsecs: 50, rxFrames: 3 }, costs });
    for (let i = 0; i < 3; i++) rig.arrive(FRAME(i), 1000 * i);
    expect(rig.queue.dueNs).toBe(2000 + irqNs);
  });

  test("rx-usecs 0, or rx-frames 1, interrupts for each", () => {
    for (const napi of [
      { rxUsecs: 0, rxFrames: 64 },
      { rxUsecs: 50, rxFrames: 1 },
    ]) {
      const rig = new QueueRig({ napi, costs });
      rig.arrive(FRAME(0), 7000);
      expect(rig.queue.dueNs).toBe(7000 + irqNs);
    }
  });

  test("no interrupt comes while the CPU is busy with the poll before", () => {
    const slow = { ...COST_TABLES.free!, pollNs: 100_000 };
    const rig = new QueueRig({ napi: { rxUsecs: 0, rxFrames: 1 }, costs: slow });
    rig.arrive(FRAME(0), 0);
    rig.arrive(FRAME(1), 10);
    expect(rig.up).toHaveLength(1);
    expect(rig.queue.busyUntilNs).toBeGreaterThanOrEqual(100_000);
    expect(rig.queue.dueNs).toBe(rig.queue.busyUntilNs);
  });
});

describe("a poll", () => {
  test("takes its budget, then polls again without an interrupt", () => {
    const rig = new QueueRig({ napi: { budget: 8, rxUsecs: 100, rxFrames: 1000 } });
    for (let i = 0; i < 20; i++) rig.arrive(FRAME(i), 0);
    rig.runTo(100_000);
    expect(rig.up).toHaveLength(8);
    expect(rig.queue.dueNs).toBe(rig.queue.busyUntilNs);
    rig.take();
    expect(rig.queue.polls).toBe(3);
    expect([rig.queue.pending, rig.queue.dueNs]).toEqual([0, NEVER]);
  });

  test("that used its whole budget is followed by one that finds nothing", () => {
    const rig = new QueueRig({ napi: { budget: 8, rxUsecs: 100, rxFrames: 1000 } });
    for (let i = 0; i < 8; i++) rig.arrive(FRAME(i), 0);
    expect(rig.take()).toHaveLength(8);
    expect(rig.queue.polls).toBe(2);
  });

  test("costs what the table says, and is busy so long", () => {
    const costs = { ...DEFAULT_COSTS, irqNs: 0 };
    const rig = new QueueRig({ napi: { rxUsecs: 1, rxFrames: 1000 }, costs });
    for (let i = 0; i < 3; i++) rig.arrive(FRAME(i), 0);
    rig.take();
    const least = costs.pollNs + 3 * (costs.packetNs + costs.groNs);
    expect(rig.queue.busyUntilNs - 1000).toBeGreaterThanOrEqual(least);
    expect(rig.queue.busyUntilNs - 1000).toBeLessThan(2 * least);
  });

  test("records each packet's time in the driver", () => {
    const rig = new QueueRig({ napi: { rxUsecs: 20, rxFrames: 1000 } });
    rig.arrive(FRAME(0), 0);
    rig.arrive(FRAME(1), 5000);
    rig.take();
    const { driver } = rig.rig.stages;
    expect([driver.total, driver.min, driver.max]).toEqual([2, 15_000, 20_000]);
  });

  test("drains and refills after the packets: the pool is asked once a poll", () => {
    const rig = new QueueRig({ ring: 8, napi: { rxUsecs: 10, rxFrames: 1000 } });
    const posted = () => rig.queue.payloads.posted;
    expect(posted()).toBe(8);
    for (let i = 0; i < 4; i++) rig.arrive(dataFrame(noise(4096, i)), 0);
    expect(posted()).toBe(8);
    rig.take();
    expect(posted()).toBe(12);
    expect(rig.counter("alloc_failed")).toBe(0);
    expect(rig.counter("packets")).toBe(4);
    expect(rig.counter("bytes")).toBe(4 * (4096 + 54));
  });
});

describe("a full ring", () => {
  const full = { ring: 8, napi: { rxUsecs: 1000, rxFrames: 1000 } };

  test("of payload pages drops in hardware, by name", () => {
    const rig = new QueueRig(full);
    for (let i = 0; i < 10; i++) rig.arrive(dataFrame(noise(4096, i)), 0);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(2);
    expect(rig.counter("rde_pkt_cq_drop") + rig.counter("rde_pkt_bdq_drop")).toBe(2);
    expect(rig.nic.overruns).toBe(2);
    expect(rig.take()).toHaveLength(8);
    // What was dropped took nothing: the next ones find the rings full again.
    for (let i = 0; i < 8; i++) rig.arrive(dataFrame(noise(4096, i)), 5e6);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(2);
  });

  test("of completions drops too, while there is room for the bytes", () => {
    const rig = new QueueRig(full);
    // 32 entries: header, payload and metadata of ten packets, and two more.
    for (let i = 0; i < 11; i++) rig.arrive(dataFrame(noise(10, i)), 0);
    expect(rig.counter("rde_pkt_cq_drop")).toBe(1);
    rig.arrive(dataFrame(noise(0, 12)), 0);
    expect(rig.counter("rde_pkt_cq_drop")).toBe(1);
    expect(rig.counter("packets")).toBe(0);
    expect(rig.take()).toHaveLength(11);
    expect(rig.counter("packets")).toBe(11);
  });

  test("a frame that does not fit is dropped whole; a smaller one behind it is taken", () => {
    const rig = new QueueRig({ ...full, ring: 64 });
    for (let i = 0; i < 7; i++) rig.arrive(dataFrame(noise(8192, i)), 0);
    rig.arrive(dataFrame(noise(4096, 8)), 0);
    rig.arrive(dataFrame(noise(8192, 9)), 0);
    rig.arrive(dataFrame(noise(4096, 10)), 0);
    expect(rig.counter("rde_pkt_bdq_drop")).toBe(1);
    expect(rig.take()).toHaveLength(9);
  });

  test("headers alone need no payload page", () => {
    const rig = new QueueRig({ ...full, ring: 8 });
    for (let i = 0; i < 4; i++) rig.arrive(dataFrame(noise(8192, i)), 0);
    rig.arrive(dataFrame(noise(1, 8)), 0);
    rig.arrive(dataFrame(noise(0, 9)), 0);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(1);
    expect(rig.take()).toHaveLength(5);
  });
});

describe("a dry pool", () => {
  const dry = { netmems: 8, ring: 8, frees: false, napi: { rxUsecs: 1, rxFrames: 1000 } };

  test("is not fatal: the packets are delivered, then the NIC drops, then the service task", () => {
    const rig = new QueueRig(dry);
    for (let i = 0; i < 8; i++) rig.arrive(dataFrame(noise(4096, i)), 0);
    expect(rig.take()).toHaveLength(8);
    expect(rig.counter("ppq_alloc_failed")).toBeGreaterThan(0);
    expect([rig.counter("alloc_failed"), rig.counter("hpq_alloc_failed")]).toEqual([0, 0]);
    rig.arrive(FRAME(9), 1e6);
    expect(rig.counter("rde_pkt_bdq_drop")).toBe(1);
    // fbnic's service task looks each whole second.
    expect(rig.queue.dueNs).toBe(1e9);
    rig.arrive(FRAME(10), 2e6);
    expect(rig.queue.dueNs).toBe(1e9);
    rig.freeKept();
    // Returned to the pool, but nobody asks it yet.
    rig.arrive(FRAME(11), 3e6);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(3);
    rig.arrive(FRAME(12), 2e9);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(3);
    expect(rig.take()).toHaveLength(1);
  });

  test("that stays dry is looked at again and again", () => {
    const rig = new QueueRig(dry);
    for (let i = 0; i < 8; i++) rig.arrive(dataFrame(noise(4096, i)), 0);
    rig.take();
    for (let second = 1; second <= 3; second++) rig.arrive(FRAME(second), second * 1.5e9);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(3);
    rig.freeKept();
    rig.arrive(FRAME(5), 10e9);
    expect(rig.take()).toHaveLength(1);
  });

  test("of headers drops while the provider is full", () => {
    const rig = new QueueRig({ ...dry, netmems: 64, pages: 8 });
    const small = (i: number) => dataFrame(noise(10, i));
    for (let i = 0; i < 80; i++) rig.arrive(small(i), i * 1e6);
    rig.take();
    expect(rig.counter("rde_pkt_bdq_drop")).toBe(16);
    expect(rig.queue.payloads.roomBytes).toBeGreaterThan(0);
  });
});

test("fewer than four descriptors are looked after without any drop", () => {
  const rig = new QueueRig({ netmems: 8, ring: 8, frees: false, napi: { rxUsecs: 1 } });
  for (let i = 0; i < 5; i++) rig.arrive(dataFrame(noise(4096, i)), i * 1e6);
  rig.runTo(1e7);
  expect([rig.queue.payloads.descriptors, rig.queue.dueNs]).toEqual([3, 1e9]);
  rig.runTo(2.5e9);
  expect(rig.queue.dueNs).toBe(3e9);
  rig.freeKept();
  rig.runTo(3.5e9);
  expect([rig.queue.payloads.descriptors, rig.queue.dueNs]).toEqual([8, NEVER]);
  expect(rig.nic.overruns).toBe(0);
});

test("checksums that the NIC cannot validate count as csum_complete, none as csum_none", () => {
  const rig = new QueueRig();
  const wrong = dataFrame(noise(100, 1));
  wrong[60]! ^= 1;
  for (const frame of [dataFrame(noise(100, 1)), wrong]) rig.arrive(frame);
  rig.arrive(ethernet(noise(28, 1), { etherType: 0x0806 }));
  expect(rig.counter("csum_complete")).toBe(1);
  rig.take();
  expect([rig.counter("csum_complete"), rig.counter("csum_none")]).toEqual([2, 0]);
});

test("stop puts nothing into a pool's alloc cache", () => {
  const rig = new QueueRig({ kind: "page" });
  const { payloadPool } = rig.made[0]!;
  const cached = payloadPool.cacheCount;
  rig.queue.stop();
  expect(payloadPool.cacheCount).toBe(cached);
});

describe("the way to a queue", () => {
  test("unsteered flows, fragments and what is no TCP go to page queues", () => {
    const rig = new QueueRig({ steer: [{ dport: 80, sport: 5 }] });
    rig.arrive(dataFrame(noise(10, 1), { sport: 5 }));
    rig.arrive(dataFrame(noise(10, 2), { sport: 6 }));
    rig.arrive(ethernet(noise(28, 1), { etherType: 0x0806 }));
    expect(rig.take().map(({ queue }) => queue)).toEqual([0, 1, 1]);
  });

  test("both directions of a flow take the same queue, and flows spread", () => {
    const rig = new QueueRig({ queues: 4, kind: "page", netmems: 1024 });
    const seen = new Set<number>();
    for (let sport = 1; sport <= 64; sport++) {
      const frame = dataFrame(noise(1, sport), { sport });
      const there = rig.arrive(frame).index;
      const back = frame.slice();
      back.set(frame.subarray(30, 34), 26);
      back.set(frame.subarray(26, 30), 30);
      back.set(frame.subarray(36, 38), 34);
      back.set(frame.subarray(34, 36), 36);
      expect(rig.arrive(back).index).toBe(there);
      seen.add(there);
    }
    expect(seen.size).toBe(4);
  });
});

describe("stop", () => {
  test("drops what was not polled, and gives back every netmem", () => {
    const rig = new QueueRig({ napi: { rxUsecs: 1000, rxFrames: 1000 } });
    for (let i = 0; i < 10; i++) rig.arrive(FRAME(i), 0);
    rig.queue.stop();
    expect(rig.drop("NETMEM_QUEUE_STOPPED")).toBe(10);
    expect(rig.up).toEqual([]);
    expect([rig.queue.pending, rig.queue.dueNs]).toEqual([0, NEVER]);
    expect(rig.slab.skbCount).toBe(0);
    for (const { headerPool, payloadPool } of rig.made) {
      rig.rig.pools.destroy(payloadPool);
      rig.rig.pools.destroy(headerPool);
      expect(headerPool.inflight).toBe(0);
      expect(payloadPool.inflight).toBe(0);
    }
    rig.rig.pools.audit();
  });

  test("hands up what GRO held, before the pool goes", () => {
    const rig = new QueueRig({ napi: { budget: 1, rxUsecs: 0, rxFrames: 1 } });
    rig.arrive(dataFrame(noise(1000, 1), { sport: 1 }), 0);
    // A poll that used its budget keeps what is young.
    rig.queue.poll();
    expect([rig.up.length, rig.queue.pending]).toEqual([0, 0]);
    rig.queue.stop();
    expect(rig.up).toHaveLength(1);
    expect(rig.slab.skbCount).toBe(0);
  });

  test("with frames still in the stack: the pool is freed when they are", () => {
    const rig = new QueueRig({ frees: false });
    rig.arrive(FRAME(1));
    rig.take();
    rig.netdev.stop();
    const { payloadPool, headerPool } = rig.made[0]!;
    expect([payloadPool.inflight, headerPool.inflight]).toEqual([1, 1]);
    rig.freeKept();
    rig.rig.clock.nowNs += 2e9;
    rig.rig.pools.retryRelease();
    expect([payloadPool.inflight, headerPool.inflight]).toEqual([0, 0]);
  });
});

test("times move with the clock's epoch", () => {
  const rig = new QueueRig({ napi: { rxUsecs: 50, rxFrames: 100 } });
  rig.arrive(FRAME(0), 5e9);
  const { dueNs, busyUntilNs } = rig.queue;
  rig.queue.rebase(4e9);
  expect([rig.queue.dueNs, rig.queue.busyUntilNs]).toEqual([dueNs - 4e9, busyUntilNs - 4e9]);
  expect(times(rig)).toEqual([]);
});
