import { describe, expect, test } from "vitest";
import { BufferRing } from "../../../src/engine/driver/buffer-ring.js";
import {
  NM_DRIVER,
  NM_PP_REF,
  NM_SKB,
  NM_STATE,
  NM_WORDS,
} from "../../../src/engine/netmem/netmem-table.js";
import { DRV_RING, POOL_CACHE, POOL_RING, SKB } from "../../../src/engine/netmem/state.js";
import { Rig } from "../page-pool/rig.js";

const BIAS = 64;

/** A ring of 8 over a pool of so many netmems. */
function setUp(netmems = 16, netmemBytes = 4096) {
  const rig = new Rig("devmem", netmems, { netmemBytes });
  const pool = rig.pool();
  const size = { netmems: 8, netmemBytes, hwPageBytes: 4096, bias: BIAS };
  const { ledger, table } = rig;
  // As PoolTable does it: whoever puts the last reference gives the netmem to its pool.
  const back = { alloc: () => pool.alloc(), putUnrefed: (n: number) => rig.pools.putUnrefed(n) };
  const ring = new BufferRing({ ...size, pool: back, ledger, table });
  const word = (n: number, which: number) => table.words[n * NM_WORDS + which]!;
  /** The NIC writes a piece and the driver gives it to an skb. */
  const piece = (bytes: number) => {
    const n = ring.netmem;
    ring.offset += bytes;
    if (ring.offset === netmemBytes) ring.advance();
    ledger.driverToSkb(n);
    return n;
  };
  const put = (n: number) => {
    if (ledger.skbPut(n)) rig.pools.putUnrefed(n);
  };
  return { rig, pool, ring, word, piece, put, refill: () => rig.napi(0, () => ring.refill()) };
}

describe("a buffer ring", () => {
  test("is filled to the last descriptor, each netmem with its bias", () => {
    const { ring, word, refill } = setUp();
    expect([ring.netmem, ring.roomBytes]).toEqual([-1, 0]);
    refill();
    expect(ring.posted).toBe(8);
    expect(ring.roomBytes).toBe(8 * 4096);
    for (const n of ring.slots) {
      expect([word(n, NM_PP_REF), word(n, NM_DRIVER), word(n, NM_SKB)]).toEqual([BIAS, BIAS, 0]);
      expect(word(n, NM_STATE)).toBe(DRV_RING);
    }
    refill();
    expect(ring.posted).toBe(8);
  });

  test("the bias goes down by one a piece; the page comes back after drain and last put", () => {
    const { ring, word, piece, put, refill } = setUp();
    refill();
    const n = piece(2048);
    piece(2048);
    expect([word(n, NM_PP_REF), word(n, NM_DRIVER), word(n, NM_SKB)]).toEqual([BIAS, BIAS - 2, 2]);
    put(n);
    // The driver still holds it, whatever the stack gives back.
    expect([word(n, NM_PP_REF), word(n, NM_STATE)]).toEqual([BIAS - 1, DRV_RING]);
    ring.clean(ring.hw);
    expect([word(n, NM_PP_REF), word(n, NM_STATE)]).toEqual([1, SKB]);
    put(n);
    expect([word(n, NM_PP_REF), word(n, NM_STATE)]).toEqual([1, POOL_RING]);
  });

  test("a page whose pieces are all back returns as it is drained, in NAPI to the cache", () => {
    const { rig, ring, word, piece, put, refill } = setUp();
    refill();
    const n = piece(4096);
    put(n);
    expect(word(n, NM_STATE)).toBe(DRV_RING);
    rig.napi(0, () => ring.clean(ring.hw));
    expect([word(n, NM_PP_REF), word(n, NM_STATE)]).toEqual([1, POOL_CACHE]);
  });

  test("clean drains what the hardware passed and no more", () => {
    const { ring, piece, refill } = setUp();
    refill();
    piece(4096);
    piece(4096);
    piece(100);
    ring.clean(ring.hw);
    expect([ring.cleaned, ring.hw, ring.posted]).toEqual([2, 2, 8]);
    ring.clean(1);
    expect(ring.cleaned).toBe(2);
    refill();
    expect(ring.posted).toBe(10);
    expect(ring.roomBytes).toBe(8 * 4096 - 100);
  });

  test("runs dry, stays dry while the pool is, and comes to life with the next refill", () => {
    const { rig, ring, piece, put, refill } = setUp(2);
    expect(ring.refill()).toBe(false);
    expect(ring.posted).toBe(2);
    const taken = [piece(4096), piece(4096)];
    expect([ring.netmem, ring.roomBytes]).toEqual([-1, 0]);
    ring.clean(ring.hw);
    expect(ring.refill()).toBe(false);
    expect([ring.netmem, ring.descriptors]).toEqual([-1, 0]);
    for (const n of taken) put(n);
    refill();
    expect(taken).toContain(ring.netmem);
    expect(ring.base).toBe(rig.table.addressOf(ring.netmem));
    expect(ring.roomBytes).toBe(2 * 4096);
    expect(ring.descriptors).toBe(2);
  });

  test("wraps around its slots many times", () => {
    const { rig, ring, piece, put, refill } = setUp();
    for (let i = 0; i < 100; i++) {
      refill();
      put(piece(4096));
      rig.napi(0, () => ring.clean(ring.hw));
    }
    refill();
    expect([ring.posted, ring.hw, ring.cleaned]).toEqual([108, 100, 100]);
    // The same eight came round through the cache.
    expect(rig.pools.pools[1]!.holdCnt).toBe(8);
  });

  test("flush gives back all that is posted; what the stack has comes later", () => {
    const { rig, ring, pool, piece, put, refill } = setUp();
    refill();
    const n = piece(100);
    rig.napi(0, () => ring.flush());
    expect([ring.netmem, ring.offset, ring.roomBytes]).toEqual([-1, 0, 0]);
    rig.pools.destroy(pool);
    expect(pool.inflight).toBe(1);
    put(n);
    rig.clock.nowNs = 2e9;
    rig.pools.retryRelease();
    expect(pool.holdCnt - pool.releaseCnt).toBe(0);
  });

  test("counts a large netmem's room in bytes", () => {
    const { ring, piece, refill } = setUp(8, 65536);
    refill();
    piece(4096);
    expect(ring.roomBytes).toBe(8 * 65536 - 4096);
    expect(ring.hw).toBe(0);
  });
});
