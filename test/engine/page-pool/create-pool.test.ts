import { describe, expect, test } from "vitest";
import type { PoolParams } from "../../../src/engine/page-pool/pool-params.js";
import { Rig } from "./rig.js";

const EINVAL = -22;
const EOPNOTSUPP = -95;
const MAP = 1;
const SYNC = 2;
const UNREADABLE = 8;

describe("page_pool_init refuses", () => {
  const cases: Array<[string, Partial<PoolParams>, number]> = [
    ["an unknown flag", { flags: 16 }, EINVAL],
    ["an unknown flag before a wrong direction", { flags: 16 | MAP, dmaDir: 1 }, EINVAL],
    ["a mapping to the device", { flags: MAP, dmaDir: 1 }, EINVAL],
    ["sync without map", { flags: SYNC }, EINVAL],
    ["sync of nothing", { flags: MAP | SYNC, maxLen: 0 }, EINVAL],
    ["an order above MAX_PAGE_ORDER", { order: 11, flags: MAP }, EINVAL],
  ];
  test.each(cases)("%s", (_what, change, errno) => {
    expect(new Rig("page", 64).tryPool(change)).toBe(errno);
  });

  test("a provider without map and sync, before the provider is asked", () => {
    const rig = new Rig("zcrx", 64);
    expect(rig.tryPool({ flags: MAP | UNREADABLE })).toBe(EOPNOTSUPP);
    expect(rig.ifq!.refs).toBe(1);
  });

  test("what the provider's init refuses, with a warning, and takes no number", () => {
    const rig = new Rig("devmem", 64);
    expect(rig.tryPool({ order: 1 })).toBe(-7);
    expect(rig.pools.warnings).toHaveLength(1);
    expect(rig.pool().number).toBe(1);
  });
});

describe("page_pool_init accepts", () => {
  test("a header pool on a provider's queue, which stays on pages", () => {
    const rig = new Rig("devmem", 64, { pages: 64 });
    const pool = rig.pool({ flags: MAP | SYNC });
    expect(pool.provider).toBeNull();
    expect(rig.table.isNetIov(pool.alloc())).toBe(false);
    expect(rig.binding!.refs).toBe(1);
  });

  test("ring sizes: 1024 by default, the pool size, at most 16384", () => {
    const rig = new Rig("page", 64);
    const sizes = [0, 77, 1 << 20].map((poolSize) => rig.pool({ poolSize }).ring.size);
    expect(sizes).toEqual([1024, 77, 16384]);
  });

  test("devmem forces DMA sync off", () => {
    const pool = new Rig("devmem", 64).pool();
    expect([pool.dmaMap, pool.dmaSync, pool.dmaSyncForCpu]).toEqual([true, false, false]);
  });

  test("system pools share one statistics object", () => {
    const rig = new Rig("page", 256);
    const [a, b] = [rig.pool({ flags: 4 | MAP }), rig.pool({ flags: 4 | MAP })];
    a.alloc();
    b.alloc();
    expect(a.stats).toBe(b.stats);
    expect(a.stats[1]).toBe(2);
  });
});
