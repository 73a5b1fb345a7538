import { describe, expect, test } from "vitest";
import { NM_LAST, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { T10 } from "../../../src/engine/netmem/state.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import { updateNid } from "../../../src/engine/page-pool/pool-release.js";
import { recyclingPct, sumStats } from "../../../src/engine/page-pool/pool-stats.js";
import { putBulk } from "../../../src/engine/page-pool/put-bulk.js";
import { PFMEMALLOC } from "../../../src/engine/provider/page-allocator.js";
import { Rig } from "./rig.js";

/** The statistics that are not zero. */
function stats(...pools: PagePool[]): Record<string, number> {
  return Object.fromEntries(Object.entries(sumStats(pools)).filter(([, value]) => value !== 0));
}

function take(rig: Rig, pool: PagePool, count: number): number[] {
  return rig.napi(0, () => Array.from({ length: count }, () => pool.alloc()));
}

describe("allocation", () => {
  test("pages come 64 at a time: slow counts bulks, the rest are cache hits", () => {
    const rig = new Rig("page", 200);
    const pool = rig.pool();
    take(rig, pool, 130);
    expect(stats(pool)).toEqual({ allocEmpty: 3, allocSlow: 3, allocFast: 127 });
    expect(pool.holdCnt).toBe(192);
    rig.pools.audit();
  });

  test("a short bulk counts as one, an empty allocator as none", () => {
    const rig = new Rig("page", 70);
    const pool = rig.pool();
    const got = take(rig, pool, 72);
    expect(got.filter((n) => n < 0)).toHaveLength(2);
    expect(stats(pool)).toEqual({ allocEmpty: 4, allocSlow: 2, allocFast: 68 });
  });

  test("high-order pages come one by one and count slow_high_order only", () => {
    const rig = new Rig("page", 8, { netmemBytes: 16384 });
    const pool = rig.pool({ order: 2 });
    take(rig, pool, 3);
    expect(stats(pool)).toEqual({ allocEmpty: 3, allocSlowHighOrder: 3 });
  });

  test.each(["devmem", "zcrx"] as const)("%s never counts slow; calls are the misses", (kind) => {
    const rig = new Rig(kind, 200);
    const pool = rig.pool();
    for (let round = 0; round < 5; round++) {
      const taken = take(rig, pool, 100);
      for (const n of taken) rig.ledger.driverToSkb(n);
      for (const n of taken) rig.put(n);
    }
    const seen = sumStats([pool]);
    expect([seen.allocSlow, seen.allocSlowHighOrder]).toEqual([0, 0]);
    expect(pool.providerCalls).toBe(seen.allocEmpty);
    expect(seen.allocRefill).toBeGreaterThan(0);
    rig.pools.audit();
  });

  test("a refill takes 64 from the ring and hands out the youngest", () => {
    const rig = new Rig("page", 128);
    const pool = rig.pool();
    const taken = take(rig, pool, 128);
    for (const n of taken) rig.ledger.driverToSkb(n);
    for (const n of taken) rig.put(n);
    expect(pool.ring.count).toBe(128);
    const [n] = take(rig, pool, 1);
    expect(n).toBe(taken[63]);
    expect(pool.cacheCount).toBe(63);
    expect(pool.ring.count).toBe(64);
    expect(stats(pool)).toMatchObject({ allocRefill: 1, allocEmpty: 2, recycleRing: 128 });
  });

  test("another NUMA node: the cache is flushed, the ring waives one page an attempt", () => {
    const rig = new Rig("page", 256);
    const pool = rig.pool({ nid: 0 });
    const taken = take(rig, pool, 40);
    for (const n of taken) rig.ledger.driverToSkb(n);
    for (const n of taken) rig.put(n);
    updateNid(pool, 1);
    expect(pool.cacheCount).toBe(0);
    expect(pool.releaseCnt).toBe(24);
    take(rig, pool, 1);
    expect(stats(pool)).toMatchObject({ allocWaive: 1, allocSlow: 2, allocEmpty: 1 });
    expect(pool.ring.count).toBe(39);
    rig.pools.audit();
  });
});

describe("recycling", () => {
  test("the pool's own NAPI recycles into the cache, any other context into the ring", () => {
    const rig = new Rig("page", 128);
    const pool = rig.pool();
    const [a, b, c, d] = [0, 1, 2, 3].map(() => rig.received(pool)) as [number, ...number[]];
    rig.napi(0, () => rig.put(a));
    rig.napi(1, () => rig.put(b!));
    rig.put(c!);
    pool.disableDirect();
    rig.napi(0, () => rig.put(d!));
    expect(stats(pool)).toMatchObject({ recycleCached: 1, recycleRing: 3 });
    pool.enableDirect(0);
    expect(take(rig, pool, 1)).toEqual([a]);
  });

  test("a full cache is counted and followed by the ring", () => {
    const rig = new Rig("page", 256);
    const pool = rig.pool();
    const taken = take(rig, pool, 192);
    rig.napi(0, () => {
      for (const n of taken) pool.recycleDirect(n);
    });
    expect(pool.cacheCount).toBe(128);
    expect(stats(pool)).toMatchObject({
      recycleCached: 128,
      recycleCacheFull: 64,
      recycleRing: 64,
    });
    rig.pools.audit();
  });

  test("a full ring releases to the provider, once each on the single path", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool({ poolSize: 4 });
    const taken = take(rig, pool, 10);
    for (const n of taken) rig.ledger.driverToSkb(n);
    for (const n of taken) rig.put(n);
    expect(stats(pool)).toMatchObject({ recycleRing: 4, recycleRingFull: 6 });
    expect([pool.releaseCnt, rig.ifq!.freeCount]).toEqual([6, 6]);
    rig.pools.audit();
  });

  test("a bulk counts ring_full once, whatever it releases", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool({ poolSize: 4 });
    const bulk = Int32Array.from({ length: 16 }, () => rig.received(pool));
    for (const n of bulk) rig.ledger.skbPut(n);
    putBulk(pool, rig.ledger, bulk, 16);
    expect(stats(pool)).toMatchObject({ recycleRing: 4, recycleRingFull: 1 });
    expect(pool.releaseCnt).toBe(12);
    rig.pools.audit();
  });

  test("a bulk in the pool's NAPI fills the cache first", () => {
    const rig = new Rig("page", 256);
    const pool = rig.pool();
    const bulk = Int32Array.from({ length: 192 }, () => rig.received(pool));
    for (const n of bulk) rig.ledger.skbPut(n);
    rig.napi(0, () => putBulk(pool, rig.ledger, bulk, 192));
    expect(stats(pool)).toMatchObject({
      recycleCached: 128,
      recycleCacheFull: 64,
      recycleRing: 64,
    });
    rig.pools.audit();
  });

  test.each([
    ["held by somebody else", 2],
    ["from the reserves", 1 | PFMEMALLOC],
  ])("a page %s is released, T10", (_what, refs) => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.table.pageRefs[n] = refs;
    rig.put(n);
    expect(stats(pool)).toMatchObject({ recycleReleasedRefcnt: 1 });
    expect(pool.releaseCnt).toBe(1);
    expect(rig.table.words[n * NM_WORDS + NM_LAST]).toBe(T10);
    rig.pools.audit();
  });

  test("recycling_pct is ynltool's", () => {
    const rig = new Rig("page", 128);
    const pool = rig.pool();
    for (let i = 0; i < 10; i++) rig.napi(0, () => rig.put(rig.received(pool)));
    expect(recyclingPct(sumStats([pool]))).toBe(100);
  });
});

describe("times", () => {
  test("lifetime runs from hand-over to return, pool from return to the next hand-over", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    rig.clock.nowNs = 100;
    const n = rig.received(pool);
    rig.clock.nowNs = 350;
    rig.napi(0, () => rig.put(n));
    rig.clock.nowNs = 1000;
    expect(rig.napi(0, () => pool.alloc())).toBe(n);
    const { lifetime, pool: stage } = rig.stages;
    expect([lifetime.total, lifetime.sum, stage.total, stage.sum]).toEqual([1, 250, 1, 650]);
  });

  test("the epoch may move in between", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    rig.clock.nowNs = 5e9;
    const n = rig.received(pool);
    rig.napi(0, () => rig.put(n));
    rig.clock.rebase(4);
    rig.clock.nowNs = 3e9;
    rig.napi(0, () => pool.alloc());
    expect([rig.stages.pool.total, rig.stages.pool.sum]).toEqual([1, 2e9]);
  });

  test("alloc costs what its path costs", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    pool.alloc();
    expect(rig.cpu.spentNs).toBe(48);
    pool.alloc();
    expect(rig.cpu.spentNs).toBe(54);
  });
});
