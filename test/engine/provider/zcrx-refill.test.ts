import { describe, expect, test } from "vitest";
import { KERNEL_PROFILES, type KernelProfile } from "../../../src/engine/kernel/profile.js";
import { NM_STATE, NM_USER, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import {
  APP_FALLBACK,
  APP_UREF,
  POOL_CACHE,
  PROV_FREE,
  SKB,
  Z2,
} from "../../../src/engine/netmem/state.js";
import type { PagePool } from "../../../src/engine/page-pool/page-pool.js";
import { sumStats } from "../../../src/engine/page-pool/pool-stats.js";
import fc from "../../support/property.js";
import { Rig } from "../page-pool/rig.js";

const NEWEST = KERNEL_PROFILES["7.3"]!;
const ONE_BY_ONE = KERNEL_PROFILES["7.0"]!;

/** A netmem that the application got and whose skb is gone. */
function given(rig: Rig, pool: PagePool, refs = 1): number {
  const n = rig.received(pool);
  for (let i = 0; i < refs; i++) rig.ledger.userGet(n, Z2);
  rig.put(n);
  return n;
}

function giveBack(rig: Rig, ...netmems: number[]): void {
  const { ring } = rig.ifq!;
  for (const n of netmems) {
    const entry = ring.post(n * 4096, 0, 4096);
    ring.postedNs[entry] = rig.clock.nowNs;
  }
  ring.publish();
}

function stateOf(rig: Rig, n: number): number {
  return rig.table.words[n * NM_WORDS + NM_STATE]!;
}

/** Empties the pool's alloc cache into the driver, so that the next alloc asks the provider. */
function drainCache(rig: Rig, pool: PagePool): void {
  rig.napi(0, () => {
    while (pool.cacheCount > 0) pool.alloc();
  });
}

describe("the free list", () => {
  test("is a stack: a refill takes the 64 highest niovs, the last of them goes out first", () => {
    const rig = new Rig("zcrx", 100);
    const pool = rig.pool();
    expect(rig.napi(0, () => pool.alloc())).toBe(36);
    expect([pool.cacheCount, rig.ifq!.freeCount]).toEqual([63, 36]);
  });

  test("empty: -1, the event fires once, and the next poll may succeed", () => {
    const rig = new Rig("zcrx", 1);
    const pool = rig.pool();
    const n = rig.received(pool);
    expect(rig.napi(0, () => pool.alloc())).toBe(-1);
    expect(rig.napi(0, () => pool.alloc())).toBe(-1);
    expect(rig.ifq!.fired).toEqual([1, 0]);
    expect([rig.ifq!.armEvent(0), rig.ifq!.armEvent(0), rig.ifq!.armEvent(2)]).toEqual([
      0, -22, -22,
    ]);
    rig.put(n);
    expect(rig.napi(0, () => pool.alloc())).toBe(n);
  });
});

describe("a refill entry", () => {
  test("of the own pool goes straight to its cache: no statistic, hold and release stay", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const n = given(rig, pool);
    drainCache(rig, pool);
    const before = [pool.holdCnt, pool.releaseCnt, sumStats([pool]).recycleRing];
    rig.clock.nowNs = 700;
    giveBack(rig, n);
    expect(stateOf(rig, n)).toBe(APP_UREF);
    rig.clock.nowNs = 900;
    expect(rig.napi(0, () => pool.alloc())).toBe(n);
    expect([pool.holdCnt, pool.releaseCnt, sumStats([pool]).recycleRing]).toEqual(before);
    expect([rig.stages.pool.total, rig.stages.pool.sum]).toEqual([1, 200]);
    rig.pools.audit();
  });

  test("is read only when the cache is empty", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const n = given(rig, pool);
    giveBack(rig, n);
    rig.napi(0, () => pool.alloc());
    expect(rig.ifq!.ring.pending).toBe(1);
  });

  test("changes nothing for the pool while the stack holds the niov (Z6)", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.ledger.userGet(n, Z2);
    drainCache(rig, pool);
    giveBack(rig, n);
    expect(rig.napi(0, () => pool.alloc())).toBe(-1);
    expect(stateOf(rig, n)).toBe(SKB);
    rig.put(n);
    expect(sumStats([pool]).recycleRing).toBe(1);
  });

  test("of an older pool goes to that pool, of a copy to the free list (Z5)", () => {
    const rig = new Rig("zcrx", 64);
    const [old, fresh] = [rig.pool(), rig.pool()];
    const n = given(rig, old);
    rig.pools.destroy(old);
    const copy = rig.ifq!.allocFallback(100);
    expect(stateOf(rig, copy)).toBe(APP_FALLBACK);
    expect([rig.ifq!.copyCount, rig.ifq!.copyBytes, rig.ifq!.fired]).toEqual([1, 100, [0, 1]]);
    rig.pools.audit();
    giveBack(rig, n, copy);
    rig.napi(0, () => fresh.alloc());
    expect([old.ring.count, rig.ifq!.outsideCount, rig.ifq!.freeCount]).toEqual([1, 0, 0]);
    expect(stateOf(rig, copy)).toBe(POOL_CACHE);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    expect([stateOf(rig, n), old.freed]).toEqual([PROV_FREE, true]);
    rig.pools.audit();
  });

  test("64 of them at most are read by one refill", () => {
    const rig = new Rig("zcrx", 100, { entries: 128 });
    const pool = rig.pool();
    const all = Array.from({ length: 100 }, () => rig.received(pool));
    for (const n of all) {
      rig.ledger.userGet(n, Z2);
      rig.put(n);
    }
    giveBack(rig, ...all);
    rig.napi(0, () => pool.alloc());
    expect([rig.ifq!.ring.pending, pool.cacheCount, rig.ifq!.ring.head]).toEqual([36, 63, 64]);
  });
});

describe("equal entries in a row", () => {
  test.each([
    ["newest: dropped whole when there are too few references", NEWEST, 1, 2],
    ["before 7.2: the first counts, the second is dropped", ONE_BY_ONE, 0, 1],
  ])("%s", (_what, profile, refs, rejected) => {
    const rig = new Rig("zcrx", 64, { profile });
    const pool = rig.pool();
    const n = given(rig, pool);
    drainCache(rig, pool);
    giveBack(rig, n, n);
    rig.napi(0, () => pool.alloc());
    expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(refs);
    expect(rig.ifq!.rejectedRqes).toBe(rejected);
    rig.ifq!.terminate(() => {});
    expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(0);
    rig.pools.audit();
  });
});

/** User references left after a refill of the entries that name niovs `seen`, -1 for bad ones. */
function refilled(users: number[], seen: number[], profile: KernelProfile): number[] {
  const left = [...users];
  const runs: number[][] = [];
  for (const n of seen.slice(0, 64)) {
    const last = runs.at(-1);
    // The merging loop passes over a malformed entry, and the run goes on behind it.
    if (profile.zcrxRefillMerge && n < 0) continue;
    if (profile.zcrxRefillMerge && last?.[0] === n) last.push(n);
    else runs.push([n]);
  }
  for (const run of runs) {
    const n = run[0]!;
    if (n >= 0 && left[n]! >= run.length) left[n]! -= run.length;
  }
  return left;
}

/** The same after FLUSH_RQ. */
function flushed(users: number[], seen: number[]): number[] {
  const left = [...users];
  for (let at = 0; at < 128; at += 32) {
    const pass = seen.slice(at, at + 32);
    const bad = pass.indexOf(-1);
    const good = bad < 0 ? pass : pass.slice(0, bad);
    for (const n of good) if (left[n]! > 0) left[n]!--;
    if (good.length < 32) break;
  }
  return left;
}

describe("any content of the ring", () => {
  const rqe = fc.record({
    low: fc.oneof(fc.integer({ min: 0, max: 40 * 4096 }), fc.integer({ min: 0, max: 0xffffffff })),
    high: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
    ),
    pad: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
    ),
    repeat: fc.integer({ min: 1, max: 3 }),
  });

  test.each([NEWEST, ONE_BY_ONE])("changes only what it may ($name)", (profile) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 32, maxLength: 32 }),
        fc.array(rqe, { maxLength: 40 }),
        fc.boolean(),
        fc.nat(300),
        (refs, entries, flush, wildTail) => {
          const rig = new Rig("zcrx", 32, { profile, entries: 128 });
          const pool = rig.pool();
          const users = new Array<number>(32).fill(0);
          for (const nr of refs) {
            const n = rig.received(pool);
            for (let i = 0; i < nr; i++) rig.ledger.userGet(n, Z2);
            users[n] = nr;
            rig.put(n);
          }
          rig.napi(0, () => {
            while (pool.alloc() >= 0);
          });
          const { ring } = rig.ifq!;
          const flat = entries.flatMap((e) => Array.from({ length: e.repeat }, () => e));
          for (const [i, e] of flat.entries()) {
            ring.words.set([e.low, e.high, 99, e.pad], ring.wordOf(i & 127));
          }
          ring.words[1] = flat.length + wildTail;
          const named = flat.map((e) => {
            const offset = (e.high & 0xffff) * 2 ** 32 + e.low;
            const niov = Math.floor(offset / 4096) >>> 0;
            return e.pad !== 0 || e.high >>> 16 !== 0 || niov >= 32 ? -1 : niov;
          });
          const seen = [...named, ...new Array<number>(wildTail).fill(0)].slice(0, 128);
          if (flush) rig.ifq!.flushRq();
          else rig.napi(0, () => pool.alloc());
          const left = flush ? flushed(users, seen) : refilled(users, seen, profile);
          for (let n = 0; n < 32; n++) {
            expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(left[n]);
          }
          expect(ring.head).toBeLessThanOrEqual(flush ? 128 : 64);
          rig.pools.audit();
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a malformed entry in a run of one niov", () => {
  test.each([
    ["7.3, merged all the same: refused whole", NEWEST, 1, 2],
    ["7.0, one by one: the first counts", ONE_BY_ONE, 0, 1],
  ])("%s", (_what, profile, users, rejected) => {
    const rig = new Rig("zcrx", 64, { profile });
    const pool = rig.pool();
    const n = given(rig, pool);
    drainCache(rig, pool);
    giveBack(rig, n);
    rig.ifq!.ring.post(0, 1 << 16, 4096);
    giveBack(rig, n);
    rig.napi(0, () => pool.alloc());
    expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(users);
    expect(rig.ifq!.rejectedRqes).toBe(rejected + 1);
  });
});

describe("FLUSH_RQ", () => {
  test("returns to rings and free list, never to a cache, and stops at a malformed entry", () => {
    const rig = new Rig("zcrx", 64);
    const pool = rig.pool();
    const [a, b] = [given(rig, pool), given(rig, pool)];
    const copy = rig.ifq!.allocFallback(10);
    expect(copy).toBe(-1);
    giveBack(rig, a);
    rig.ifq!.ring.post(0, 1 << 16, 4096);
    giveBack(rig, b);
    const cached = pool.cacheCount;
    expect(rig.ifq!.flushRq()).toBe(1);
    expect([pool.ring.count, pool.cacheCount, rig.ifq!.ring.pending]).toEqual([1, cached, 1]);
    expect(rig.ifq!.flushRq()).toBe(1);
    expect(pool.ring.count).toBe(2);
  });
});
