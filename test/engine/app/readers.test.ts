import { describe, expect, test } from "vitest";
import type { RecvmsgDevmem } from "../../../src/engine/app/recvmsg-devmem.js";
import { COST_TABLES } from "../../../src/engine/clock/costs.js";
import { NM_PP_REF, NM_STATE, NM_USER, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { APP_TOKEN, POOL_RING } from "../../../src/engine/netmem/state.js";
import { SKF_DEFRAGGED } from "../../../src/engine/skb/skb-slab.js";
import { AppRig } from "./app-rig.js";

const NIOV = { len: 1000, page: false };
const PAGE = { len: 1000, page: true };
const free = COST_TABLES.free!;

/** Queues `count` segments of one niov frag each on socket `sock`. */
function stream(rig: AppRig, count: number, sock = 0, frag = NIOV, from = 0): void {
  for (let i = 0; i < count; i++) {
    rig.receive({ sock, at: (from + i) * frag.len, frags: [frag], flags: 0 }, sock & 1);
  }
}

describe("a reader thread", () => {
  test("wakes after wake-up cost and read delay, and is not woken again while it is busy", () => {
    const rig = new AppRig("page", { readDelayNs: 700, readSizeBytes: 1000 });
    rig.rig.clock.nowNs = 10_000;
    stream(rig, 1);
    expect(rig.app.nextNs).toBe(10_000 + 1500 + 700);
    rig.run(12_200);
    const { app } = rig.rig.stages;
    expect([app.total, app.sum]).toEqual([1, 2200 + 250]);
    rig.rig.clock.nowNs = 12_300;
    stream(rig, 1, 0, NIOV, 1);
    expect(rig.app.nextNs).toBe(12_200 + 250 + 15 + Math.ceil((1000 * 60) / 1024));
  });

  test("reads its sockets in turn, one call each", () => {
    const rig = new AppRig("page", { readSizeBytes: 1000, threads: 1 }, { costs: free });
    stream(rig, 3, 0);
    stream(rig, 2, 1);
    const order: number[] = [];
    while (rig.app.nextNs < 1e15) {
      const before = [...rig.tcp.read];
      rig.runOnce();
      order.push(rig.tcp.read.findIndex((bytes, sock) => bytes !== before[sock]));
    }
    expect(order).toEqual([0, 1, 0, 1, 0]);
  });

  test("keeps its times when the epoch moves", () => {
    const rig = new AppRig("devmem", { holdNs: 5e9 });
    rig.rig.clock.nowNs = 10e9;
    stream(rig, 1);
    rig.run(10e9 + 1500);
    rig.rig.clock.rebase(9);
    rig.app.rebase(9e9);
    expect(rig.app.nextNs).toBe(1e9 + 1500 + 250 + 5e9);
    rig.run();
    expect(rig.rig.stages.hold.sum).toBe(5e9);
  });
});

describe("recvmsg by copy", () => {
  test("measures hold from the read of a frag to the put of its skb", () => {
    const rig = new AppRig("page", { readSizeBytes: 1500 });
    rig.receive({ sock: 0, at: 0, frags: [NIOV, NIOV], flags: 0 });
    rig.run();
    const { hold } = rig.rig.stages;
    const copyNs = 59 + 30 + 30;
    expect([hold.total, hold.sum]).toEqual([2, copyNs + 250 + 30 + 15 + 30 + 15]);
    expect(rig.app.counts.copiedBytes).toEqual({ recvmsg: 2000 });
  });
});

describe("recvmsg of device memory", () => {
  test("a frag read in two pieces gives two tokens and two references", () => {
    const rig = new AppRig("devmem", { readSizeBytes: 600, holdNs: 1e6 });
    stream(rig, 1);
    rig.run(5000);
    const app = rig.app as RecvmsgDevmem;
    const n = app.userFrags.erase(0, 1);
    expect(app.userFrags.erase(0, 2)).toBe(n);
    const { words } = rig.rig.table;
    const at = n * NM_WORDS;
    expect([words[at + NM_PP_REF], words[at + NM_USER], words[at + NM_STATE]]).toEqual([
      2,
      2,
      APP_TOKEN,
    ]);
  });

  test("tokens go back in whole batches after the hold time, to the ring", () => {
    const rig = new AppRig("devmem", { holdNs: 50_000, batch: 4, threads: 1 });
    stream(rig, 10);
    rig.run();
    expect(rig.app.counts.events).toEqual({ recvmsg: 1, dontneed: 2, tokens: 8 });
    expect(rig.rig.ledger.counts[16 + APP_TOKEN]).toBe(2);
    expect(rig.rig.ledger.counts[16 + POOL_RING]).toBe(8);
    const { hold } = rig.rig.stages;
    expect([hold.total, hold.min >= 50_000]).toEqual([8, true]);
    rig.app.giveBackAll();
    expect(rig.rig.ledger.counts[16 + APP_TOKEN]).toBe(0);
    rig.finish();
  });

  test("a batch over two sockets takes a call each", () => {
    const rig = new AppRig("devmem", { batch: 4, threads: 1 });
    stream(rig, 2, 0);
    stream(rig, 2, 1);
    rig.run();
    expect(rig.app.counts.events).toEqual({ recvmsg: 2, dontneed: 2, tokens: 4 });
  });

  test("never mixes readable and unreadable data in one call; names why it copied", () => {
    const rig = new AppRig("devmem", { threads: 1 });
    stream(rig, 2);
    stream(rig, 2, 0, PAGE, 2);
    stream(rig, 1, 0, NIOV, 4);
    rig.receive({ sock: 0, at: 5000, frags: [PAGE], flags: SKF_DEFRAGGED });
    rig.receive({ sock: 0, at: 6000, frags: [PAGE], flags: 0 }, 2);
    rig.receive({ sock: 0, at: 7000, frags: [PAGE, NIOV], flags: 0 });
    rig.run();
    expect(rig.tcp.windows).toEqual([2000, 2000, 1000, 2000, 2000]);
    expect(rig.app.counts).toMatchObject({
      deliveredBytes: 9000,
      referenceBytes: 4000,
      copiedBytes: { linear: 3000, unsteered: 1000, defragmented: 1000 },
    });
    rig.finish();
  });

  test("stops where the control buffer is full and goes on with the next call", () => {
    const rig = new AppRig("devmem", { readSizeBytes: 1e6, threads: 1 }, { netmems: 2500 });
    const frags = new Array(16).fill({ len: 1, page: false });
    for (let i = 0; i < 150; i++) rig.receive({ sock: 0, at: i * 16, frags, flags: 0 });
    rig.run();
    expect(rig.tcp.windows).toEqual([2000, 400]);
    rig.finish();
    expect(rig.got[0]).toHaveLength(2400);
  });

  test("tokens of a destroyed socket are stale: nothing is freed twice", () => {
    const rig = new AppRig("devmem", { holdNs: 1e6, threads: 1 });
    stream(rig, 5);
    rig.run(10_000);
    rig.tcp.close(0);
    rig.app.releaseUserFrags(0);
    expect(rig.rig.ledger.counts[16 + POOL_RING]).toBe(5);
    rig.run();
    expect(rig.app.counts).toMatchObject({ warnings: { staleTokens: 5 } });
    expect(rig.app.counts.events).not.toHaveProperty("tokens");
    rig.finish();
  });
});

describe("RECV_ZC", () => {
  test("looks at 21 skbs an issue", () => {
    const rig = new AppRig("zcrx", { threads: 1 });
    stream(rig, 50);
    rig.run();
    expect(rig.tcp.windows).toEqual([21000, 21000, 8000]);
    expect(rig.app.counts.events).toEqual({ issues: 3, cqes: 50, rqes: 50 });
  });

  test("publishes refill entries a batch at a time, and the pool takes them from there", () => {
    const rig = new AppRig("zcrx", { batch: 8, threads: 1 });
    stream(rig, 20);
    rig.run();
    const { ring } = rig.rig.ifq!;
    expect([ring.tail, ring.head]).toEqual([16, 0]);
    rig.app.giveBackAll();
    expect(ring.tail).toBe(20);
    for (let i = 0; i < 64; i++) rig.rig.napi(0, () => rig.payload.alloc());
    expect(ring.head).toBe(20);
    expect(rig.rig.ifq!.rejectedRqes).toBe(0);
  });

  test("a full completion queue ends the call; the rest comes with the next", () => {
    const rig = new AppRig("zcrx", { threads: 1 }, { cqEntries: 3 });
    stream(rig, 5);
    rig.receive({ sock: 0, at: 5000, frags: [{ len: 4096, page: true }], flags: 0 });
    rig.run();
    expect(rig.tcp.windows).toEqual([3000, 6096]);
    expect(rig.app.counts.warnings).toEqual({ ENOSPC: 1 });
    rig.finish();
    expect(rig.got[0]).toHaveLength(9096);
  });

  test("a full refill ring is flushed", () => {
    const rig = new AppRig("zcrx", { threads: 1 }, { entries: 4 });
    stream(rig, 10);
    rig.run();
    expect(rig.app.counts.events).toMatchObject({ rqes: 10, flushes: 2 });
    expect(rig.rig.ifq!.ring.pending).toBe(2);
    rig.finish();
  });

  test("without fallback niovs the request ends, is armed again, and no byte is lost", () => {
    const rig = new AppRig("zcrx", { threads: 1, holdNs: 3e6 }, { netmems: 70 });
    stream(rig, 6);
    expect(rig.rig.ifq!.freeCount).toBe(6);
    stream(rig, 20, 0, PAGE, 6);
    rig.run();
    const { counts } = rig.app;
    expect(counts.deliveredBytes).toBe(26_000);
    expect(counts.copiedBytes).toEqual({ linear: 20_000 });
    expect(counts.warnings.ENOMEM).toBeGreaterThan(0);
    expect(counts.events.rearmed).toBe(counts.warnings.ENOMEM);
    expect(rig.rig.ifq!.copyCount).toBe(20);
    rig.finish();
  });

  test("with an area that others hold for good it stops asking after a while", () => {
    const rig = new AppRig("zcrx", { threads: 1 }, { netmems: 64 });
    rig.rig.napi(0, () => {
      for (let i = 0; i < 64; i++) rig.payload.alloc();
    });
    stream(rig, 2, 0, PAGE);
    rig.run();
    expect(rig.app.nextNs).toBe(Number.POSITIVE_INFINITY);
    expect(rig.app.counts.deliveredBytes).toBe(0);
    expect(rig.app.counts.warnings.ENOMEM).toBe(17);
    expect(rig.rig.clock.nowNs).toBeLessThan(2e9);
  });
});
