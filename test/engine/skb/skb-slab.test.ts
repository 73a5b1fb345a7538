import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../src/engine/clock/virtual-clock.js";
import * as N from "../../../src/engine/netmem/state.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import fc from "../../support/property.js";
import { book } from "../ledger/book.js";

const NETMEMS = 64;

/** A slab whose netmems each were posted with a bias of 8. */
function setUp(size = { skbs: 16, frags: 64 }) {
  const { ledger, posted, refs, state } = book("trace", true, NETMEMS);
  for (let n = 0; n < NETMEMS; n++) posted(n, 8);
  const back: number[] = [];
  const clock = new VirtualClock();
  const putUnrefed = (n: number) => {
    ledger.move(n, N.POOL_RING, N.T6);
    back.push(n);
  };
  const slab = new S.SkbSlab(size, { ledger, back: { putUnrefed }, clock });
  /** A frag of an skb on a netmem, as the driver makes it. */
  const frag = (skb: number, n: number, len = 10) => {
    ledger.driverToSkb(n);
    return slab.addFrag(skb, n, n * 4096, len);
  };
  const netmems = (skb: number) => {
    const found: number[] = [];
    for (let f = slab.skbs[skb * S.SK_WORDS + S.SK_FRAG_HEAD]!; f >= 0; ) {
      found.push(slab.frags[f * S.FR_WORDS + S.FR_NETMEM]!);
      f = slab.frags[f * S.FR_WORDS + S.FR_NEXT]!;
    }
    return found;
  };
  const word = (skb: number, which: number) => slab.skbs[skb * S.SK_WORDS + which]!;
  return { slab, ledger, refs, state, back, clock, frag, netmems, word };
}

describe("an skb", () => {
  test("begins empty, whatever lay in its place before", () => {
    const { slab, frag, word, ledger } = setUp();
    const first = slab.allocSkb();
    frag(first, 1);
    ledger.driverToSkb(2);
    slab.skbs[first * S.SK_WORDS + S.SK_HEAD] = 2;
    slab.free(first);
    const again = slab.allocSkb();
    expect(again).toBe(first);
    const fresh = [S.SK_NEXT, S.SK_FRAG_HEAD, S.SK_FRAG_TAIL, S.SK_NR_FRAGS, S.SK_HEAD];
    expect(fresh.map((which) => word(again, which))).toEqual([-1, -1, -1, 0, -1]);
  });

  test("free puts each frag and the head once, and the frags can be used again", () => {
    const { slab, frag, ledger, back, refs } = setUp();
    for (let n = 0; n < 4; n++) ledger.driverPut(n, 7);
    const skb = slab.allocSkb();
    for (const n of [0, 1, 2]) frag(skb, n);
    ledger.driverToSkb(3);
    slab.skbs[skb * S.SK_WORDS + S.SK_HEAD] = 3;
    expect([slab.skbCount, slab.fragCount]).toEqual([1, 3]);
    slab.free(skb);
    expect(back).toEqual([0, 1, 2, 3]);
    expect(refs(3)[0]).toBe(1);
    expect([slab.skbCount, slab.fragCount]).toEqual([0, 0]);
  });

  test("a netmem that others hold stays where it is", () => {
    const { slab, frag, back, refs, state } = setUp();
    const skb = slab.allocSkb();
    frag(skb, 5);
    frag(skb, 5);
    slab.free(skb);
    expect(back).toEqual([]);
    expect([refs(5), state(5)]).toEqual([[6, 6, 0, 0], "DRV_RING"]);
  });

  test("its head can go before it does", () => {
    const { slab, ledger, word, refs } = setUp();
    const skb = slab.allocSkb();
    ledger.driverToSkb(9);
    slab.skbs[skb * S.SK_WORDS + S.SK_HEAD] = 9;
    slab.dropHead(skb);
    slab.dropHead(skb);
    expect(word(skb, S.SK_HEAD)).toBe(-1);
    slab.free(skb);
    expect(refs(9)).toEqual([7, 7, 0, 0]);
  });

  test("loses frags from the front, in order", () => {
    const { slab, frag, netmems, word } = setUp();
    const skb = slab.allocSkb();
    for (const n of [1, 2, 3]) frag(skb, n);
    slab.dropFirstFrag(skb);
    expect(netmems(skb)).toEqual([2, 3]);
    slab.dropFirstFrag(skb);
    slab.dropFirstFrag(skb);
    const ends = [S.SK_FRAG_HEAD, S.SK_FRAG_TAIL, S.SK_NR_FRAGS];
    expect(ends.map((which) => word(skb, which))).toEqual([-1, -1, 0]);
    frag(skb, 4);
    expect(netmems(skb)).toEqual([4]);
  });

  test("joined to another, gives it its frags behind its own, and keeps none", () => {
    const { slab, frag, netmems, word } = setUp();
    const [a, b, empty] = [slab.allocSkb(), slab.allocSkb(), slab.allocSkb()];
    for (const n of [1, 2]) frag(a, n);
    for (const n of [3, 4]) frag(b, n);
    slab.joinFrags(a, empty);
    slab.joinFrags(empty, b);
    expect([netmems(b), netmems(empty)]).toEqual([[], [3, 4]]);
    slab.joinFrags(a, empty);
    expect([netmems(a), word(a, S.SK_NR_FRAGS)]).toEqual([[1, 2, 3, 4], 4]);
    expect(word(empty, S.SK_NR_FRAGS)).toBe(0);
    frag(a, 5);
    expect(netmems(a)).toEqual([1, 2, 3, 4, 5]);
    for (const skb of [a, b, empty]) slab.free(skb);
    expect([slab.skbCount, slab.fragCount]).toEqual([0, 0]);
  });
});

describe("a slab", () => {
  test("that is full says so, and goes on when something is freed", () => {
    const { slab, frag } = setUp({ skbs: 2, frags: 3 });
    const [a, b] = [slab.allocSkb(), slab.allocSkb()];
    expect(slab.allocSkb()).toBe(-1);
    expect([frag(a, 1), frag(a, 2), frag(b, 3), frag(b, 4)]).toEqual([true, true, true, false]);
    slab.free(a);
    expect(slab.allocSkb()).toBe(a);
    expect([frag(b, 5), frag(b, 6), frag(b, 7)]).toEqual([true, true, false]);
  });

  test("moves its times with the clock's epoch", () => {
    const { slab, frag, clock } = setUp();
    const skb = slab.allocSkb();
    frag(skb, 1);
    slab.fragTimes[0] = 7e9;
    clock.rebase(5);
    expect(slab.fragTimes[0]).toBe(2e9);
  });
});

test("whatever is made, joined, shortened and freed: frags are nobody's or one skb's", () => {
  const step = fc.tuple(fc.nat(4), fc.nat(15), fc.nat(15), fc.nat(NETMEMS - 1));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { slab, frag, netmems, word, refs } = setUp();
      const live: number[] = [];
      const model = new Map<number, number[]>();
      const used = new Array<number>(NETMEMS).fill(0);
      for (const [what, i, j, n] of steps) {
        const a = live[i % Math.max(1, live.length)];
        const b = live[j % Math.max(1, live.length)];
        if (what === 0 && live.length < 16) {
          const skb = slab.allocSkb();
          live.push(skb);
          model.set(skb, []);
        } else if (a === undefined || b === undefined) continue;
        else if (what === 1 && used[n]! < 7) {
          used[n]!++;
          frag(a, n);
          model.get(a)!.push(n);
        } else if (what === 2 && a !== b) {
          slab.joinFrags(a, b);
          model.get(a)!.push(...model.get(b)!.splice(0));
        } else if (what === 3 && model.get(a)!.length > 0) {
          slab.dropFirstFrag(a);
          model.get(a)!.shift();
        } else if (what === 4) {
          slab.free(a);
          live.splice(live.indexOf(a), 1);
          model.delete(a);
        }
      }
      const all = [...model.values()].flat();
      for (const skb of live) {
        expect(netmems(skb)).toEqual(model.get(skb));
        expect(word(skb, S.SK_NR_FRAGS)).toBe(model.get(skb)!.length);
      }
      expect([slab.skbCount, slab.fragCount]).toEqual([live.length, all.length]);
      for (let n = 0; n < NETMEMS; n++) {
        expect(refs(n)[2]).toBe(all.filter((each) => each === n).length);
      }
    }),
    { numRuns: 150 },
  );
});
