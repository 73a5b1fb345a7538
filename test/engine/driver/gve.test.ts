import { describe, expect, test } from "vitest";
import { noise, sha256 } from "../../../fixtures/conversation.js";
import { ACK, PSH } from "../../../fixtures/frames.js";
import { dataFrame, QueueRig } from "./queue-rig.js";

const GVE = { driver: "gve", ring: 8, frees: false } as const;
const frame = (len: number, seed = 1) => dataFrame(noise(len, seed), { flags: ACK | PSH });
const OFF = { mode: "off", failEvery: 0 } as const;

describe("one buffer queue", () => {
  test("is filled to one less than its size, and the NIC sees what a doorbell told", () => {
    const rig = new QueueRig(GVE);
    // Seven posted; a doorbell at each second.
    expect([rig.slots.payloads.posted, rig.slots.payloads.room]).toEqual([7, 6]);
    expect(rig.made[0]!.headerPool).toBe(rig.made[0]!.payloadPool);
  });

  test("every split packet takes a buffer, and one without payload gives it back", () => {
    const rig = new QueueRig(GVE);
    rig.arrive(dataFrame(new Uint8Array(0)));
    rig.arrive(frame(100));
    const got = rig.take();
    expect(got.map(({ pieces }) => pieces.length)).toEqual([0, 1]);
    expect(got[1]!.truesize - got[1]!.headTruesize).toBe(4096);
    expect(rig.counter("rx_completed_desc")).toBe(2);
    expect(rig.counter("rx_hsplit_pkt")).toBe(2);
    expect(rig.counter("rx_hsplit_bytes")).toBe(2 * 54);
    rig.freeKept();
    rig.rig.pools.audit();
  });

  test("without split a page serves two buffers", () => {
    const rig = new QueueRig({ ...GVE, kind: "page", split: OFF });
    const payloads = [noise(1000, 1), noise(1000, 2), noise(3000, 3)];
    for (const payload of payloads) rig.arrive(dataFrame(payload));
    const got = rig.take();
    expect(got.map((each) => each.sha256)).toEqual(payloads.map(sha256));
    expect(got[1]!.pieces[0]!.netmem).toBe(got[0]!.pieces[0]!.netmem);
    expect(got.map(({ pieces }) => pieces.map(({ offset }) => offset))).toEqual([
      [54],
      [2048 + 54],
      [54, 2048],
    ]);
    expect(got[0]!.truesize - got[0]!.headTruesize).toBe(2048);
    rig.freeKept();
    rig.rig.pools.audit();
  });
});

describe("a dry queue", () => {
  test("delivers first, then drops in hardware: rx_no_buffers_posted", () => {
    const rig = new QueueRig({ ...GVE, netmems: 8 });
    for (let i = 0; i < 12; i++) rig.arrive(frame(1000, i));
    expect(rig.take().length).toBe(8);
    expect(rig.counter("rx_no_buffers_posted")).toBe(4);
    expect(rig.drop("RX_HW_DROP_OVERRUNS")).toBe(4);
    expect(rig.counter("rx_buf_alloc_fail")).toBeGreaterThan(0);
  });

  test("starts a timer of 20 ms, which finds what came back meanwhile", () => {
    const rig = new QueueRig({ ...GVE, netmems: 8 });
    for (let i = 0; i < 8; i++) rig.arrive(frame(1000, i));
    const { nowNs } = rig.rig.clock;
    rig.runTo(nowNs + 1000);
    expect(rig.counter("rx_critical_low_bufs")).toBeGreaterThan(0);
    expect(rig.slots.dueNs).toBeGreaterThan(nowNs);
    rig.freeKept();
    rig.runTo(nowNs + 40e6);
    expect(rig.slots.payloads.room).toBe(6);
    rig.arrive(frame(1000, 9));
    expect(rig.take().at(-1)!.len).toBe(1000);
  });
});

describe("a queue that ran dry while nothing else was to come", () => {
  const dry = () => {
    const rig = new QueueRig({ ...GVE, netmems: 8 });
    for (let i = 0; i < 8; i++) rig.arrive(frame(1000, i));
    rig.take();
    expect(rig.slots.dueNs).toBe(Number.POSITIVE_INFINITY);
    rig.freeKept();
    return rig;
  };

  test("starts its timer again at the next drop", () => {
    const rig = dry();
    const { nowNs } = rig.rig.clock;
    rig.arrive(frame(1000, 8), nowNs + 1000);
    expect(rig.counter("rx_no_buffers_posted")).toBe(1);
    rig.arrive(frame(1000, 9), nowNs + 30e6);
    expect(rig.take()).toHaveLength(1);
  });

  test("was looked after when the next pass begins", () => {
    const rig = dry();
    rig.slots.lookAfter(rig.rig.clock.nowNs);
    rig.arrive(frame(1000, 8));
    expect(rig.take()).toHaveLength(1);
  });

  test("takes memory that comes back after a restart that found none", () => {
    const rig = new QueueRig({ ...GVE, netmems: 6 });
    for (let i = 0; i < 6; i++) rig.arrive(frame(1000, i));
    rig.take();
    const { nowNs } = rig.rig.clock;
    rig.rig.clock.horizonNs = nowNs;
    expect(rig.netdev.mgmt.restart(0)).toBe(0);
    rig.freeKept();
    rig.rig.clock.nowNs += 2e9;
    rig.rig.pools.retryRelease();
    rig.arrive(frame(1000, 7), nowNs + 3e9);
    rig.arrive(frame(1000, 8), nowNs + 4e9);
    expect(rig.take().length).toBeGreaterThan(0);
  });
});

describe("what is not split", () => {
  const fail = { mode: "fail", failEvery: 1 } as const;

  test("is dropped where no CPU reads the buffer: rx_devmem_dropped", () => {
    for (const kind of ["devmem", "zcrx"] as const) {
      const rig = new QueueRig({ ...GVE, kind, split: fail });
      rig.arrive(frame(100));
      rig.arrive(dataFrame(new Uint8Array(0)));
      expect(rig.take()).toHaveLength(0);
      expect([rig.counter("rx_devmem_dropped"), rig.drop("RX_SPLIT_ERROR")]).toEqual([2, 2]);
      rig.rig.pools.audit();
    }
  });

  test("is delivered from pages", () => {
    const rig = new QueueRig({ ...GVE, kind: "page", split: fail });
    rig.arrive(frame(100));
    expect(rig.take()).toHaveLength(1);
    expect(rig.drop("RX_SPLIT_ERROR")).toBe(0);
  });
});
