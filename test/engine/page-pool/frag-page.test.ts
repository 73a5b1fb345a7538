import { describe, expect, test } from "vitest";
import { sumStats } from "../../../src/engine/page-pool/pool-stats.js";
import { Rig } from "./rig.js";

describe("fragments of a page", () => {
  test("follow each other, and the page returns with its last user", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const { frag } = pool;
    const first = frag.alloc(1500);
    expect([frag.start, frag.alloc(1500), frag.start]).toEqual([0, first, 1500]);
    const second = frag.alloc(1500);
    expect([second === first, frag.start]).toEqual([false, 0]);
    rig.ledger.driverToSkb(first);
    rig.ledger.driverToSkb(first);
    rig.put(first);
    expect(sumStats([pool]).recycleRing).toBe(0);
    rig.put(first);
    expect(sumStats([pool]).recycleRing).toBe(1);
    rig.pools.audit();
  });

  test("a drained page whose users are gone is used again in place: cached and fast", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const page = pool.frag.alloc(3000);
    rig.ledger.driverToSkb(page);
    rig.put(page);
    const before = sumStats([pool]);
    expect(pool.frag.alloc(3000)).toBe(page);
    const after = sumStats([pool]);
    expect(after.recycleCached - before.recycleCached).toBe(1);
    expect(after.allocFast - before.allocFast).toBe(1);
    expect(pool.frag.start).toBe(0);
    rig.pools.audit();
  });

  test("a drained page that somebody else holds is released without a recycle statistic", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const page = pool.frag.alloc(3000);
    rig.ledger.driverToSkb(page);
    rig.put(page);
    rig.table.pageRefs[page] = 2;
    expect(pool.frag.alloc(3000)).not.toBe(page);
    expect(sumStats([pool]).recycleReleasedRefcnt).toBe(0);
    expect(pool.releaseCnt).toBe(1);
    rig.pools.audit();
  });

  test("more than half a page gets a whole one; the last fragment gets the rest", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    pool.frag.allocAny(2049);
    expect([pool.frag.start, pool.frag.bytes, pool.frag.page]).toEqual([0, 4096, -1]);
    pool.frag.allocAny(1600);
    expect([pool.frag.start, pool.frag.bytes]).toEqual([0, 1600]);
    pool.frag.allocAny(1600);
    expect([pool.frag.start, pool.frag.bytes]).toEqual([1600, 2496]);
  });

  test("destroy gives up what was not cut; users keep the page alive", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const page = pool.frag.alloc(1000);
    rig.ledger.driverToSkb(page);
    rig.pools.destroy(pool);
    expect(pool.inflight).toBe(1);
    rig.put(page);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    expect(pool.freed).toBe(true);
    const other = rig.pool();
    const unused = other.frag.alloc(1000);
    if (rig.ledger.driverPut(unused, 1)) rig.pools.putUnrefed(unused);
    rig.pools.destroy(other);
    expect(other.freed).toBe(true);
    rig.pools.audit();
  });
});
