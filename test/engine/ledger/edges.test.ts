import { describe, expect, test } from "vitest";
import { InvariantViolation } from "../../../src/engine/ledger/invariant.js";
import * as N from "../../../src/engine/netmem/state.js";
import { book } from "./book.js";

const { PROV_FREE, POOL_CACHE, POOL_RING, DRV_RING, SKB } = N;
const { APP_TOKEN, APP_UREF, APP_FALLBACK, DEAD, STATE_NAME } = N;

/**
 * DOMAIN 1.3 to 1.5, as pairs of owners. T1 may end in the cache only (the driver's part is T2).
 * T9 without a stop in the pool: a put that finds the ring full. A page that the driver, the stack
 * or a pool let go while somebody else holds it is DEAD (T10).
 */
const EDGES: ReadonlyArray<readonly [from: number, to: number, why: string]> = [
  [PROV_FREE, POOL_CACHE, "T1 D1 Z1"],
  [PROV_FREE, APP_FALLBACK, "Z3"],
  [POOL_CACHE, DRV_RING, "T2"],
  [POOL_CACHE, PROV_FREE, "T9 scrub"],
  [POOL_CACHE, DEAD, "T10"],
  [POOL_RING, POOL_CACHE, "T3"],
  [POOL_RING, PROV_FREE, "T9 scrub"],
  [POOL_RING, DEAD, "T10"],
  [DRV_RING, SKB, "T4"],
  [DRV_RING, APP_TOKEN, "drained while only tokens are left"],
  [DRV_RING, APP_UREF, "drained while only user refs are left"],
  [DRV_RING, POOL_CACHE, "T8"],
  [DRV_RING, POOL_RING, "T8"],
  [DRV_RING, PROV_FREE, "T9"],
  [DRV_RING, DEAD, "T10"],
  [SKB, APP_TOKEN, "D3"],
  [SKB, APP_UREF, "the skb goes, the user ref stays"],
  [SKB, POOL_CACHE, "T6"],
  [SKB, POOL_RING, "T6"],
  [SKB, PROV_FREE, "T6 with a full ring"],
  [SKB, DEAD, "T10"],
  [APP_TOKEN, POOL_CACHE, "D4"],
  [APP_TOKEN, POOL_RING, "D4 D5"],
  [APP_TOKEN, PROV_FREE, "D4 with a full ring"],
  [APP_UREF, POOL_CACHE, "Z4"],
  [APP_UREF, POOL_RING, "Z7"],
  [APP_UREF, PROV_FREE, "Z5"],
  [APP_FALLBACK, PROV_FREE, "Z5"],
];

const legal = new Set(EDGES.map(([from, to]) => from * 16 + to));
const pairs = Array.from({ length: N.STATES ** 2 }, (_, i) => [
  Math.floor(i / N.STATES),
  i % N.STATES,
]) as ReadonlyArray<readonly [number, number]>;

describe("a change of owner", () => {
  test.each(EDGES.map(([from, to, why]) => [STATE_NAME[from], STATE_NAME[to], why, from, to]))(
    "%s to %s: %s",
    (_from, _to, _why, from, to) => {
      const { ledger, force, state } = book();
      force(1, from as number);
      ledger.move(1, to as number, N.T9);
      expect(state(1)).toBe(STATE_NAME[to as number]);
      expect(ledger.counts[from as number]).toBe(from === PROV_FREE ? 3 : 0);
      expect(ledger.counts[to as number]).toBe(to === PROV_FREE ? 4 : 1);
    },
  );

  test("any other stops the run, moves nothing, and says what it was", () => {
    for (const [from, to] of pairs.filter(([from, to]) => !legal.has(from * 16 + to))) {
      const { ledger, force, state } = book();
      force(1, from);
      const before = ledger.counts.slice();
      const edge = `${STATE_NAME[from]} -> ${STATE_NAME[to]}`;
      expect(() => ledger.move(1, to, N.T6), edge).toThrow(
        `no such change of owner: ${edge} (T6 last skb frag put to pool)`,
      );
      expect(state(1)).toBe(STATE_NAME[from]);
      expect(ledger.counts).toEqual(before);
    }
  });

  test("has a name for every state, owner and transition", () => {
    expect(STATE_NAME).toHaveLength(N.STATES);
    expect(N.STATE_OWNER).toHaveLength(N.STATES);
    expect(N.TRANSITION_NAME).toHaveLength(N.U2 + 1);
    expect(new Set(N.TRANSITION_NAME).size).toBe(N.TRANSITION_NAME.length);
    expect(N.STATE_OWNER.filter((owner) => owner !== "").sort()).toEqual(
      [...N.OWNERS, "app"].sort(),
    );
  });

  test("is counted by pool", () => {
    const { ledger } = book();
    ledger.openPool(3);
    ledger.setPool(1, 3);
    expect([ledger.counts[PROV_FREE], ledger.counts[3 * 16 + PROV_FREE]]).toEqual([3, 1]);
    ledger.move(1, POOL_CACHE, N.T1);
    expect([ledger.counts[3 * 16 + PROV_FREE], ledger.counts[3 * 16 + POOL_CACHE]]).toEqual([0, 1]);
    ledger.setPool(1, 0);
    expect(ledger.counts[3 * 16 + POOL_CACHE]).toBe(0);
  });

  test("counts survive more pools than there was room for", () => {
    const { ledger } = book();
    ledger.openPool(70);
    ledger.setPool(2, 70);
    expect(ledger.counts[70 * 16]).toBe(1);
    expect(ledger.counts[0]).toBe(3);
  });

  test("switched off, the ledger keeps references only", () => {
    const { ledger, posted, refs, state } = book();
    ledger.on = false;
    posted(0, 2);
    ledger.driverToSkb(0);
    expect([refs(0), state(0)]).toEqual([[2, 1, 1, 0], "PROV_FREE"]);
  });
});

test("a violation carries its rule", () => {
  const { ledger, force } = book();
  force(0, DEAD);
  try {
    ledger.move(0, POOL_CACHE, N.T1);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantViolation);
    expect((error as InvariantViolation).invariant).toBe(5);
  }
});
