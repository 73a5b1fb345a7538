import { describe, expect, test } from "vitest";
import { poolGet } from "../../../src/engine/page-pool/pool-netlink.js";
import { Rig } from "./rig.js";

describe("destroy", () => {
  test("frees at once what has nothing in flight, and balances the provider's references", () => {
    const rig = new Rig("zcrx", 200);
    const pool = rig.pool();
    rig.napi(0, () => pool.recycleDirect(pool.alloc()));
    expect(rig.ifq!.refs).toBe(2);
    rig.pools.destroy(pool);
    expect([pool.freed, pool.inflight, rig.ifq!.refs]).toEqual([true, 0, 1]);
    expect(rig.ifq!.freeCount).toBe(200);
    expect(rig.pools.nextRetryNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("of a shared pool counts with its last user", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    pool.userCnt++;
    rig.pools.destroy(pool);
    expect(rig.napi(0, () => pool.alloc())).toBeGreaterThanOrEqual(0);
    rig.pools.destroy(pool);
    expect(rig.pools.zombies).toEqual([pool]);
    expect(() => rig.pools.destroy(pool)).toThrow("invariant 25");
  });

  test("with netmems in flight detaches; late puts go to the ring; each second it is tried", () => {
    const rig = new Rig("devmem", 64);
    const pool = rig.pool();
    rig.clock.nowNs = 5.5e9;
    const [a, b] = [rig.received(pool), rig.received(pool)];
    rig.pools.destroy(pool);
    expect(poolGet(rig.pools, 1)).toEqual({
      id: 1,
      ifindex: 1,
      inflight: 2,
      inflightMem: 8192,
      detachTime: 5,
      dmabuf: 7,
    });
    expect(rig.pools.nextRetryNs).toBe(6.5e9);
    rig.napi(0, () => rig.put(a));
    expect([pool.cacheCount, pool.ring.count]).toEqual([0, 1]);
    rig.clock.nowNs = 6.5e9;
    rig.pools.retryRelease();
    expect([pool.inflight, pool.freed, rig.pools.nextRetryNs]).toEqual([1, false, 7.5e9]);
    rig.put(b);
    rig.clock.nowNs = 7.5e9;
    rig.pools.retryRelease();
    expect([pool.freed, rig.binding!.refs, rig.binding!.freeCount]).toEqual([true, 1, 64]);
    expect(poolGet(rig.pools, 1)).toBe(-2);
    expect(rig.pools.nextRetryNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("a stalled shutdown warns each 60 s, and only where netlink cannot show the pool", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    rig.received(pool);
    rig.pools.destroy(pool);
    const retryUntil = (seconds: number): void => {
      while (rig.pools.nextRetryNs <= seconds * 1e9) {
        rig.clock.nowNs = rig.pools.nextRetryNs;
        rig.pools.retryRelease();
      }
    };
    rig.pools.unregisterDevice(1, false);
    expect(poolGet(rig.pools, 1)).not.toHaveProperty("ifindex");
    retryUntil(100);
    expect(rig.pools.warnings).toEqual([]);
    rig.pools.unregisterDevice(1, true);
    expect(poolGet(rig.pools, 1)).toBe(-2);
    retryUntil(230);
    expect(rig.pools.warnings).toEqual([
      "stalled pool shutdown: id 1, 1 inflight 101 sec",
      "stalled pool shutdown: id 1, 1 inflight 161 sec",
      "stalled pool shutdown: id 1, 1 inflight 221 sec",
    ]);
  });

  test("unmaps every tracked page, in flight or not", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    rig.received(pool);
    expect(pool.dmaMapped).toBe(64);
    rig.pools.destroy(pool);
    expect([pool.dmaMapped, pool.dmaSync]).toEqual([0, false]);
  });
});

describe("a broken rule stops the run", () => {
  test("a destroyed pool serves nothing", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    rig.received(pool);
    rig.pools.destroy(pool);
    expect(() => pool.alloc()).toThrow("invariant 26");
  });

  test("a netmem is put twice", () => {
    const rig = new Rig("page", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.put(n);
    expect(() => rig.pools.putUnrefed(n)).toThrow(/invariant 5.*history/);
  });

  test("a netmem with references left is put", () => {
    const rig = new Rig("page", 64);
    const n = rig.received(rig.pool());
    rig.ledger.skbGet(n);
    expect(() => rig.pools.putUnrefed(n)).toThrow("invariant 12");
  });

  test("a page that no pool holds is put", () => {
    const rig = new Rig("page", 64);
    expect(() => rig.pools.putUnrefed(3)).toThrow("invariant 30");
  });

  test("the audit finds a netmem in two lists", () => {
    const rig = new Rig("page", 128);
    const pool = rig.pool();
    const n = rig.napi(0, () => pool.alloc());
    rig.napi(0, () => pool.recycleDirect(n));
    pool.ring.produce(n);
    expect(() => rig.pools.audit()).toThrow(/invariant 5/);
  });

  test("the audit finds a lost netmem", () => {
    const rig = new Rig("zcrx", 128);
    const pool = rig.pool();
    rig.napi(0, () => pool.recycleDirect(pool.alloc()));
    pool.takeFromCache();
    expect(() => rig.pools.audit()).toThrow(/invariant 5/);
  });

  test("a devmem niov with references left is not given back to the genpool", () => {
    const rig = new Rig("devmem", 64);
    const pool = rig.pool();
    const n = rig.received(pool);
    rig.put(n);
    rig.table.words[n * 8] = 2;
    rig.pools.destroy(pool);
    expect(rig.binding!.warnings).toHaveLength(1);
    rig.binding!.put();
    expect(rig.binding!.warnings[1]).toContain("genpool leaked, 63 of 64");
  });
});

describe("a queue's provider", () => {
  test("is missed when no pool of the queue took it over", () => {
    const rig = new Rig("devmem", 64, { pages: 64 });
    rig.pool({ flags: 3 });
    expect(rig.pools.checkMemoryProvider(rig.provider, 0)).toBe(-61);
    const pool = rig.pool();
    expect(rig.pools.checkMemoryProvider(rig.provider, 0)).toBe(0);
    expect(rig.pools.checkMemoryProvider(rig.provider, 1)).toBe(-61);
    expect(rig.pools.checkMemoryProvider(null, 1)).toBe(0);
    rig.pools.destroy(pool);
    expect(rig.pools.checkMemoryProvider(rig.provider, 0)).toBe(-61);
  });

  test("serves two pools at once: returned niovs go to the pool that took them", () => {
    const rig = new Rig("zcrx", 128);
    const [old, fresh] = [rig.pool(), rig.pool()];
    const n = rig.received(old);
    rig.received(fresh);
    rig.pools.destroy(old);
    rig.put(n);
    expect([old.ring.count, fresh.ring.count]).toEqual([1, 0]);
    rig.clock.nowNs = 1e9;
    rig.pools.retryRelease();
    expect(old.freed).toBe(true);
    rig.pools.audit();
  });
});
