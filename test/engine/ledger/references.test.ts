import { describe, expect, test } from "vitest";
import { HISTORY_EVENTS } from "../../../src/engine/ledger/netmem-history.js";
import * as N from "../../../src/engine/netmem/state.js";
import fc from "../../support/property.js";
import { book } from "./book.js";

describe("pp_ref_count", () => {
  test("is the bias when posted, and stays the sum of its holders", () => {
    const { ledger, posted, refs, state } = book();
    posted(0, 3);
    expect(refs(0)).toEqual([3, 3, 0, 0]);
    ledger.driverToSkb(0);
    expect([refs(0), state(0)]).toEqual([[3, 2, 1, 0], "DRV_RING"]);
    ledger.skbGet(0);
    expect(refs(0)).toEqual([4, 2, 2, 0]);
    ledger.userGet(0, N.D2);
    expect(refs(0)).toEqual([5, 2, 2, 1]);
    expect(ledger.skbPut(0)).toBe(false);
    expect(ledger.drain(0)).toBe(false);
    expect([refs(0), state(0)]).toEqual([[2, 0, 1, 1], "SKB"]);
    expect(ledger.skbPut(0)).toBe(false);
    expect([refs(0), state(0)]).toEqual([[1, 0, 0, 1], "APP_TOKEN"]);
    expect(ledger.userPut(0, 1, N.D4)).toBe(true);
    // The last put leaves the count at 1: it is the pool's from here (invariant 12).
    expect(refs(0)).toEqual([1, 0, 0, 0]);
    ledger.move(0, N.POOL_RING, N.D4);
    expect(state(0)).toBe("POOL_RING");
  });

  test("a bias of which nothing was used goes back in one drain", () => {
    const { ledger, posted, refs } = book();
    posted(0, 64);
    expect(ledger.drain(0)).toBe(true);
    expect(refs(0)).toEqual([1, 0, 0, 0]);
  });

  test("the driver's own puts of part of its bias", () => {
    const { ledger, posted, refs } = book();
    posted(0, 10);
    ledger.driverToSkb(0);
    expect(ledger.driverPut(0, 4)).toBe(false);
    expect(refs(0)).toEqual([6, 5, 1, 0]);
    expect(ledger.skbPut(0)).toBe(false);
    expect(ledger.driverPut(0, 5)).toBe(true);
    expect(refs(0)[0]).toBe(1);
  });

  test("zcrx: many user refs go in one put", () => {
    const { ledger, posted, state, refs } = book("count", false);
    posted(0, 1);
    ledger.driverToSkb(0);
    for (let i = 0; i < 5; i++) ledger.userGet(0, N.Z2);
    expect(ledger.skbPut(0)).toBe(false);
    expect([refs(0), state(0)]).toEqual([[5, 0, 0, 5], "APP_UREF"]);
    expect(ledger.userPut(0, 3, N.Z4)).toBe(false);
    expect(ledger.userPut(0, 2, N.Z4)).toBe(true);
  });
});

describe("what does not add up stops the run", () => {
  test("an skb put too much", () => {
    const { ledger, posted } = book();
    posted(0, 2);
    ledger.driverToSkb(0);
    ledger.skbPut(0);
    expect(() => ledger.skbPut(0)).toThrow("invariant 8: more frag puts than frags");
  });

  test("a second put after the last one", () => {
    const { ledger, posted } = book();
    posted(0, 1);
    ledger.driverToSkb(0);
    expect(ledger.skbPut(0)).toBe(true);
    expect(() => ledger.skbPut(0)).toThrow("more frag puts than frags");
  });

  test("more user puts than user refs", () => {
    const { ledger, posted } = book();
    posted(0, 2);
    ledger.driverToSkb(0);
    ledger.userGet(0, N.D2);
    expect(() => ledger.userPut(0, 2, N.D4)).toThrow("more user puts than user refs");
  });

  test("more frags than the bias, and more driver puts", () => {
    const { ledger, posted } = book();
    posted(0, 1);
    ledger.driverToSkb(0);
    expect(() => ledger.driverToSkb(0)).toThrow("a frag was given out without a driver reference");
    posted(1, 2);
    expect(() => ledger.driverPut(1, 3)).toThrow("more driver puts than driver references");
  });

  test("a count that is not the sum", () => {
    const { ledger, posted, table } = book();
    posted(0, 4);
    ledger.driverToSkb(0);
    table.words[0]!++;
    expect(() => ledger.drain(0)).toThrow("pp_ref_count is off");
  });
});

describe("the story of a netmem", () => {
  test("stands in the message: owner, references, last transition, and all before it", () => {
    const { ledger, posted, clock } = book();
    clock.nowNs = 100;
    posted(2, 1);
    clock.nowNs = 250;
    ledger.driverToSkb(2);
    clock.nowNs = 300;
    expect(() => ledger.move(2, N.DRV_RING, N.T2)).toThrow(
      "invariant 5: no such change of owner: SKB -> DRV_RING (T2 pool cache to driver); " +
        "netmem 2 of 4, SKB, pp_ref_count 1 (driver 0, skb 1, user 0), pool 0, " +
        "last T4 driver to skb at 250 ns; history: " +
        "T1 provider to pool -> POOL_CACHE at 100 ns, " +
        "T2 pool cache to driver -> DRV_RING at 100 ns, " +
        "T4 driver to skb -> SKB at 250 ns",
    );
  });

  test("is the last transition alone where histories are not kept", () => {
    const { ledger, posted } = book("count");
    posted(2, 1);
    expect(ledger.history).toBeNull();
    expect(() => ledger.fail(2, "x", "no")).toThrow(/^invariant x: no; netmem 2 .* at 0 ns$/);
  });

  test("keeps the newest events, oldest first", () => {
    const { ledger, posted, clock } = book();
    posted(0, 1000);
    for (let i = 1; i <= HISTORY_EVENTS + 5; i++) {
      clock.nowNs = i;
      ledger.driverToSkb(0);
    }
    const events = ledger.history!.events(0);
    expect(events).toHaveLength(HISTORY_EVENTS);
    expect(events[0]).toMatch(/ at 6 ns$/);
    expect(events.at(-1)).toMatch(new RegExp(`T4 .* at ${HISTORY_EVENTS + 5} ns$`));
    expect(ledger.history!.events(1)).toEqual([]);
  });

  test("moves with the clock's epoch", () => {
    const { ledger, posted, clock } = book();
    clock.nowNs = 5e9;
    posted(0, 1);
    clock.rebase(4);
    expect(ledger.history!.events(0).at(-1)).toMatch(/ at 1000000000 ns$/);
  });
});

test("any legal gets and puts: the count is the sum, and the last put is told", () => {
  const step = fc.constantFrom("give", "get", "put", "userGet", "userPut", "drain", "driverPut");
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 6 }),
      (steps, bias) => {
        const { ledger, posted, refs, state } = book("count");
        posted(0, bias);
        const held = { driver: bias, skb: 0, user: 0 };
        const sum = () => held.driver + held.skb + held.user;
        for (const each of steps) {
          let last = false;
          if (each === "give" && held.driver > 0) {
            ledger.driverToSkb(0);
            held.driver--;
            held.skb++;
          } else if (each === "get" && held.skb > 0) {
            ledger.skbGet(0);
            held.skb++;
          } else if (each === "put" && held.skb > 0) {
            held.skb--;
            last = ledger.skbPut(0);
          } else if (each === "userGet" && held.skb > 0) {
            ledger.userGet(0, N.D2);
            held.user++;
          } else if (each === "userPut" && held.user > 0) {
            held.user--;
            last = ledger.userPut(0, 1, N.D4);
          } else if (each === "drain" && held.driver > 0) {
            held.driver = 0;
            last = ledger.drain(0);
          } else if (each === "driverPut" && held.driver > 1) {
            held.driver--;
            last = ledger.driverPut(0, 1);
          }
          expect(last).toBe(sum() === 0);
          if (last) {
            expect(refs(0)[0]).toBe(1);
            return;
          }
          expect(refs(0)).toEqual([sum(), held.driver, held.skb, held.user]);
          const owner = held.driver > 0 ? "DRV_RING" : held.skb > 0 ? "SKB" : "APP_TOKEN";
          expect(state(0)).toBe(owner);
        }
      },
    ),
    { numRuns: 500 },
  );
});
