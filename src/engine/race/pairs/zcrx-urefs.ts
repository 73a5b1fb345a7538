import { type ActorBuilder, fail, type Label, type Words } from "../model.js";
import type { RacePair } from "../pair.js";
import {
  declarePool,
  IN_APP,
  IN_CACHE,
  IN_PROVIDER,
  IN_RING,
  IN_STACK,
  putUref,
  recycleInRing,
  releaseWorker,
  unref,
} from "./common.js";

/** Moves a netmem to a new holder; broken unless one of `from` holds it. */
function moves(owner: number, from: number, to: number, twice: number): (s: Words) => void {
  return (s) => {
    if (s[owner] !== from) fail(s, twice);
    s[owner] = to;
  };
}

/** xchg of a user reference count to 0, as io_zcrx_scrub does. */
function xchgUref(a: ActorBuilder, uref: number, nr: number, none: Label): void {
  const exchange = (s: Words) => {
    s[nr] = s[uref]!;
    s[uref] = 0;
    return s[nr] !== 0;
  };
  a.if("uref: xchg 0", exchange, none);
}

/**
 * io_zcrx_ring_refill against io_zcrx_scrub over the same niovs, one RQE each, and the stack's put
 * of a frag (CVE-2026-43121, stable 003049b1c4fb). With F2 the niovs are copy fallbacks, which go
 * straight to the freelist (770594e78c39).
 */
export const REFILL_SCRUB: RacePair = {
  id: "refill-scrub",
  title: "refill vs scrub of the same user reference",
  regressions: [
    { id: "F1", title: "a user reference is read, then decremented" },
    { id: "F2", title: "the same, and the freelist takes what comes" },
  ],
  build: (race, size, regress) => {
    const fallback = regress === "F2";
    const racy = regress !== "";
    // Every second niov was handed out twice and has a frag left in the stack.
    const twiceOut = (i: number) => !fallback && i % 2 === 1;
    const uref = race.sharedArray("uref", size, (i) => (twiceOut(i) ? 2 : 1));
    const ppRef = race.sharedArray("pp_ref_count", size, (i) => (twiceOut(i) ? 3 : 1));
    const freelistLock = race.shared("freelist_lock", 0);
    const free = race.shared("free_count", 0);
    const cache = race.shared("pool.alloc.count", 0);
    const ring = race.shared("pool.ring", 0);
    const owner = race.ghostArray("owner", size, IN_APP);
    const what = "Z7 scrub against Z4 RQE to alloc cache";
    const below = race.rule(9, "a user reference count falls below 0", "app", what);
    const negative = race.rule(7, "pp_ref_count falls below 0", "app", what);
    const twice = race.rule(5, "a niov is given back twice", "poolCache", what);
    const over = race.rule(4, "free_count exceeds the niovs", "none", what);
    const lost = race.rule(51, "a niov stays with an application that is gone", "app", what);
    const giveBack = (a: ActorBuilder, i: number, own: boolean) => {
      if (fallback) {
        a.lock(freelistLock, "freelist_lock");
        a.do("free_count: push", (s) => {
          if (++s[free]! > size) fail(s, over);
          s[owner + i] = IN_PROVIDER;
        });
        a.unlock(freelistLock, "freelist_lock");
      } else if (own) {
        const move = moves(owner + i, IN_APP, IN_CACHE, twice);
        a.do("alloc.count: place in cache", (s) => {
          move(s);
          s[cache]!++;
        });
      } else {
        const move = moves(owner + i, IN_APP, IN_RING, twice);
        a.do("ring: produce", (s) => {
          move(s);
          s[ring]!++;
        });
      }
    };
    const refill = race.actor("refill", "io_zcrx_ring_refill");
    const scrub = race.actor("scrub", "io_zcrx_scrub");
    const nr = scrub.local("nr");
    const rules = { racy, below: racy && fallback ? 0 : below };
    for (let i = 0; i < size; i++) {
      const next = refill.label();
      putUref(refill, uref + i, next, { ...rules, below: racy ? 0 : below });
      unref(refill, ppRef + i, () => 1, { notLast: next, constant: true, below: negative });
      giveBack(refill, i, true);
      refill.at(next);
    }
    for (let i = 0; i < size; i++) {
      const next = scrub.label();
      xchgUref(scrub, uref + i, nr, next);
      unref(scrub, ppRef + i, (s) => s[nr]!, { notLast: next, constant: false, below: negative });
      giveBack(scrub, i, false);
      scrub.at(next);
    }
    const stack = race.actor("stack", "skb_release_data");
    for (let i = 1; i < size && !fallback; i += 2) {
      const next = stack.label();
      unref(stack, ppRef + i, () => 1, { notLast: next, constant: true, below: negative });
      giveBack(stack, i, false);
      stack.at(next);
    }
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[owner + i] === IN_APP) return lost;
      return 0;
    });
  },
};

/**
 * io_zcrx_recv_frag, whose skb is eaten afterwards, against ring exit: io_terminate_zcrx scrubs,
 * waits for requests, and io_unregister_zcrx scrubs again (7.1).
 */
export const RECV_SCRUB: RacePair = {
  id: "recv-scrub",
  title: "recv (new user references) vs first scrub",
  regressions: [
    { id: "one-scrub", title: "no second scrub after the requests have ended" },
    { id: "uref-first", title: "the user reference is taken before the pool's" },
  ],
  build: (race, size, regress) => {
    const uref = race.sharedArray("uref", size, 0);
    const ppRef = race.sharedArray("pp_ref_count", size, 1);
    const cq = race.shared("cq.tail", 0);
    const ring = race.shared("pool.ring", 0);
    const owner = race.ghostArray("owner", size, IN_STACK);
    const inSkb = race.ghostArray("skb frag", size, 1);
    const what = "Z2 user ref taken by RECV_ZC, against Z7 scrub";
    const below = race.rule(7, "pp_ref_count falls below 0", "stack", what);
    const early = race.rule(23, "a niov goes back while an skb still holds it", "stack", what);
    const twice = race.rule(5, "a niov is given back twice", "poolRing", what);
    const left = race.rule(51, "a user reference outlives the instance", "app", what);
    const back = (a: ActorBuilder, i: number) =>
      a.do("ring: produce", (s) => {
        if (s[inSkb + i] === 1) fail(s, early);
        if (s[owner + i] === IN_RING) fail(s, twice);
        s[owner + i] = IN_RING;
        s[ring]!++;
      });
    const recv = race.actor("recv", "io_zcrx_recv_frag");
    for (let i = 0; i < size; i++) {
      const eaten = recv.label();
      const takePp = () => recv.do("pp_ref_count: inc", (s) => void s[ppRef + i]!++);
      const takeUref = () => recv.do("uref: inc", (s) => void s[uref + i]!++);
      recv.do("cq: queue", (s) => void s[cq]!++);
      if (regress === "uref-first") takeUref();
      takePp();
      if (regress !== "uref-first") takeUref();
      // consume_skb: the frag's reference is given up with the count that stood for it.
      const drop = (s: Words) => {
        s[inSkb + i] = 0;
        return 1;
      };
      unref(recv, ppRef + i, drop, { notLast: eaten, constant: true, below });
      back(recv, i);
      recv.at(eaten);
    }
    const exit = race.actor("exit", "io_terminate_zcrx");
    const nr = exit.local("nr");
    const scrub = () => {
      for (let i = 0; i < size; i++) {
        const next = exit.label();
        xchgUref(exit, uref + i, nr, next);
        unref(exit, ppRef + i, (s) => s[nr]!, { notLast: next, constant: false, below });
        back(exit, i);
        exit.at(next);
      }
    };
    scrub();
    exit.waitFor(recv, "requests: all ended");
    if (regress !== "one-scrub") scrub();
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[owner + i] !== IN_RING) return left;
      return 0;
    });
  },
};

/**
 * io_zcrx_ring_refill of a new pool against page_pool_release of the old one, whose niovs the
 * application gives back only now: each goes to its own pool, then to the freelist, and may come
 * to the new pool from there.
 */
export const RQE_DEAD_POOL: RacePair = {
  id: "rqe-dead-pool",
  title: "RQE for a niov of a dead pool",
  regressions: [
    { id: "own-cache", title: "the refill takes any niov for its own pool's" },
    { id: "stale-pp", title: "desc.pp is not cleared on the way to the freelist" },
  ],
  build: (race, size, regress) => {
    const uref = race.sharedArray("uref", size, 1);
    const ppRef = race.sharedArray("pp_ref_count", size, 1);
    const desc = race.sharedArray("desc.pp", size, 1);
    const free = race.shared("freelist", 0);
    const cache = race.shared("new.alloc.count", 0);
    // The freelist is a count to the kernel functions; which niovs it holds is the checker's.
    const freeSet = race.ghost("niovs on the freelist", 0);
    const names = race.ghostArray("desc.pp as set", size, 1);
    const owner = race.ghostArray("owner", size, IN_APP);
    const old = declarePool(race, "old", "Z5 RQE to an older pool or the freelist");
    const what = "Z5 RQE to an older pool or the freelist";
    const below = race.rule(7, "pp_ref_count falls below 0", "app", what);
    const foreign = race.rule(
      1,
      "a niov that the old pool counts lies in the new pool's cache",
      "poolCache",
      "Z4 RQE to alloc cache, without a look at desc.pp",
    );
    const stale = race.rule(1, "a free niov still names a pool", "none", "Z8 pool to freelist");
    const stuck = race.rule(51, "the old pool is never freed", "poolRing", what);
    const refill = race.actor("refill", "io_zcrx_ring_refill");
    for (let i = 0; i < size; i++) {
      const next = refill.label();
      const mine = refill.label();
      putUref(refill, uref + i, next, { racy: false, below: 0 });
      unref(refill, ppRef + i, () => 1, { notLast: next, constant: true, below });
      if (regress !== "own-cache") {
        refill.go("desc.pp: read", (s) => (s[desc + i] === 2 ? mine : undefined));
        const produced = (s: Words) => {
          s[owner + i] = IN_RING;
        };
        recycleInRing(refill, old, produced, next);
      }
      refill.at(mine);
      refill.do("alloc.count: place in cache", (s) => {
        if (s[names + i] === 1) fail(s, foreign);
        s[owner + i] = IN_CACHE;
        s[cache]!++;
      });
      refill.at(next);
    }
    const fresh = (s: Words) => {
      // LIFO or not does not matter here: any free niov.
      const at = 31 - Math.clz32(s[freeSet]!);
      s[freeSet]! &= ~(1 << at);
      if (s[names + at] !== 0) fail(s, stale);
      s[names + at] = 2;
      s[desc + at] = 2;
      s[owner + at] = IN_CACHE;
    };
    for (let i = 0; i < size; i++) {
      const none = refill.label();
      refill.if("freelist: pop", (s) => s[free]! > 0 && s[free]!-- > 0, none);
      refill.do("desc.pp: set", fresh);
      refill.at(none);
    }
    const release = race.actor("release", "page_pool_release");
    const niov = release.local("niov");
    const words = { desc, names, owner, free, freeSet, niov, size };
    const give = (a: ActorBuilder) => giveToFreelist(a, words, regress !== "stale-pp");
    releaseWorker(release, old, { hold: size, barrier: true, give });
    race.atEnd((s) => (s[old.freed] === 1 ? 0 : stuck));
  },
};

/** io_pp_zc_release_netmem of one of the niovs that lie in the ring. */
function giveToFreelist(
  a: ActorBuilder,
  w: Readonly<Record<"desc" | "names" | "owner" | "free" | "freeSet" | "niov" | "size", number>>,
  clear: boolean,
): void {
  a.do("desc.pp: clear", (s) => {
    for (let i = 0; i < w.size; i++) if (s[w.owner + i] === IN_RING) s[w.niov] = i;
    const niov = s[w.niov]!;
    s[w.owner + niov] = IN_PROVIDER;
    if (!clear) return;
    s[w.desc + niov] = 0;
    s[w.names + niov] = 0;
  });
  a.do("freelist: push", (s) => {
    s[w.free]!++;
    s[w.freeSet]! |= 1 << s[w.niov]!;
  });
}
