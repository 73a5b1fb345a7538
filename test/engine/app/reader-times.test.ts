import { describe, expect, test } from "vitest";
import type { RecvmsgDevmem } from "../../../src/engine/app/recvmsg-devmem.js";
import { NM_LAST, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { D5 } from "../../../src/engine/netmem/state.js";
import { AppRig } from "./app-rig.js";

const NIOV = { len: 1000, page: false };
const PAGE = { len: 1000, page: true };
const KINDS = ["page", "devmem", "zcrx"] as const;
const PROVIDERS = ["devmem", "zcrx"] as const;

/** Queues `count` segments of one niov frag each on socket 0. */
function stream(rig: AppRig, count: number): void {
  for (let i = 0; i < count; i++) rig.receive({ sock: 0, at: i * 1000, frags: [NIOV], flags: 0 });
}

describe("data that becomes readable while the reader is awake", () => {
  test.each(KINDS)("%s: the reader waits for it, so that no latency is negative", (kind) => {
    const rig = new AppRig(kind, { threads: 1 });
    rig.receive({ sock: 0, at: 0, frags: [NIOV], flags: 0 });
    rig.receive({ sock: 0, at: 1000, frags: [NIOV], flags: 0, readableNs: 9000 });
    rig.receive({ sock: 0, at: 2000, frags: [PAGE], flags: 0, readableNs: 20_000 });
    rig.run();
    const { app, deliver } = rig.rig.stages;
    // The first is read after wake-up and system call, the others as soon as they are there.
    expect([app.total, app.min, app.sum]).toEqual([3, 0, 1500 + 250]);
    expect(deliver.sum).toBe(1750 + 9000 + 20_000);
    expect(rig.app.counts.deliveredBytes).toBe(3000);
    rig.finish();
  });

  test("the time that the reader waited is its own: its next step comes after", () => {
    const rig = new AppRig("page", { threads: 1, readSizeBytes: 1000 });
    rig.receive({ sock: 0, at: 0, frags: [NIOV], flags: 0, readableNs: 9000 });
    rig.receive({ sock: 0, at: 1000, frags: [NIOV], flags: 0 });
    rig.run(1500);
    expect(rig.app.nextNs).toBe(9000 + 15 + Math.ceil((1000 * 60) / 1024));
  });
});

describe("giving back", () => {
  test.each(PROVIDERS)("%s: hold ends where pool starts", (kind) => {
    const rig = new AppRig(kind, { threads: 1, holdNs: 12_345 });
    stream(rig, 20);
    rig.run();
    rig.rig.clock.nowNs = 1e6;
    for (let i = 0; i < 64; i++) rig.rig.napi(0, () => rig.payload.alloc());
    const { deliver, hold, pool } = rig.rig.stages;
    expect([hold.total, pool.total]).toEqual([20, 20]);
    expect(hold.min).toBeGreaterThanOrEqual(12_345);
    // Everything arrived at 0 and was handed out again at 1 ms.
    expect(deliver.sum + hold.sum + pool.sum).toBe(20 * 1e6);
  });

  test.each(PROVIDERS)("%s: at the end nothing stays, and no hold is negative", (kind) => {
    const rig = new AppRig(kind, { threads: 2, holdNs: 1e9, batch: 64 });
    stream(rig, 60);
    rig.receive({ sock: 1, at: 0, frags: [NIOV, NIOV], flags: 0 }, 1);
    rig.run(10_000);
    expect(rig.app.heldCount).toBe(62);
    rig.app.giveBackAll();
    const { hold } = rig.rig.stages;
    expect([rig.app.heldCount, hold.total, hold.min >= 0]).toEqual([0, 62, true]);
    for (const sock of [0, 1]) rig.app.releaseUserFrags(sock);
    expect(rig.app.counts.warnings).toEqual({});
    expect(rig.app.nextNs).toBe(Number.POSITIVE_INFINITY);
    rig.finish();
  });

  test("a socket that goes puts its tokens by D5", () => {
    const rig = new AppRig("devmem", { threads: 1, holdNs: 1e6 });
    stream(rig, 1);
    rig.run(10_000);
    rig.tcp.close(0);
    const { userFrags } = rig.app as RecvmsgDevmem;
    const netmem = userFrags.erase(0, 1);
    expect(userFrags.take(0, netmem)).toBe(1);
    rig.app.releaseUserFrags(0);
    expect(rig.rig.table.words[netmem * NM_WORDS + NM_LAST]).toBe(D5);
  });
});

describe("RECV_ZC", () => {
  test("copy fallbacks in the refill ring are no netmems on their way to a pool", () => {
    const rig = new AppRig("zcrx", { threads: 1 });
    stream(rig, 3);
    rig.receive({ sock: 0, at: 3000, frags: [PAGE, PAGE], flags: 0 });
    rig.run();
    const ifq = rig.rig.ifq!;
    expect([ifq.ring.pending, ifq.returning()]).toEqual([5, 3]);
    rig.finish();
  });

  test("the read size is no bound for a multishot request", () => {
    const rig = new AppRig("zcrx", { threads: 1, readSizeBytes: 1 });
    stream(rig, 10);
    rig.run();
    expect(rig.tcp.windows).toEqual([10_000]);
  });
});
