import { type ActorBuilder, fail, type RaceBuilder, type Words } from "../model.js";
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
function xchgUref(
  a: ActorBuilder,
  uref: number,
  nr: number,
  none: ReturnType<ActorBuilder["label"]>,
) {
  const exchange = (s: Words) => {
    s[nr] = s[uref]!;
    s[uref] = 0;
    return s[nr] !== 0;
  };
  a.if("uref: xchg 0", exchange, none);
}

/**
 * io_zcrx_ring_refill against io_zcrx_scrub over the same niovs, one user reference and one RQE
 * each (CVE-2026-43121, stable 003049b1c4fb). With F2 the niovs are copy fallbacks, which go
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
    const uref = race.sharedArray("uref", size, 1);
    const ppRef = race.sharedArray("pp_ref_count", size, 1);
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
    const freeSet = race.ghost("niovs on the freelist", 0);
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
        recycleInRing(refill, old, (s) => void (s[owner + i] = IN_RING), next);
      }
      refill.at(mine);
      refill.do("alloc.count: place in cache", (s) => {
        if (s[desc + i] === 1) fail(s, foreign);
        s[owner + i] = IN_CACHE;
        s[cache]!++;
      });
      refill.at(next);
    }
    for (let i = 0; i < size; i++) {
      const none = refill.label();
      refill.if("freelist: pop", (s) => s[free]! > 0 && s[free]!-- > 0, none);
      refill.do("desc.pp: set", (s) => {
        // LIFO or not does not matter here: any free niov.
        const at = 31 - Math.clz32(s[freeSet]!);
        s[freeSet]! &= ~(1 << at);
        if (s[desc + at] !== 0) fail(s, stale);
        s[desc + at] = 2;
        s[owner + at] = IN_CACHE;
      });
      refill.at(none);
    }
    const release = race.actor("release", "page_pool_release");
    releaseWorker(release, old, {
      hold: size,
      barrier: true,
      released: (s) => releaseOne(s, { owner, desc, free, freeSet, size, clear: regress !== "stale-pp" }),
    });
    race.atEnd((s) => (s[old.freed] === 1 ? 0 : stuck));
  },
};

/** io_pp_zc_release_netmem of some niov that lies in the ring. */
function releaseOne(
  s: Words,
  at: {
    readonly owner: number;
    readonly desc: number;
    readonly free: number;
    readonly freeSet: number;
    readonly size: number;
    readonly clear: boolean;
  },
): void {
  for (let i = 0; i < at.size; i++) {
    if (s[at.owner + i] !== IN_RING) continue;
    if (at.clear) s[at.desc + i] = 0;
    s[at.owner + i] = IN_PROVIDER;
    s[at.free]!++;
    s[at.freeSet]! |= 1 << i;
    return;
  }
}

/** Declares what both consumers of a refill ring share. */
function refillRing(race: RaceBuilder, size: number) {
  return {
    lock: race.shared("rq_lock", 0),
    head: race.shared("cached_rq_head", 0),
    uref: race.sharedArray("uref", size, 2),
    given: race.ghostArray("entries of niov", size, 0),
  };
}

/**
 * io_zcrx_ring_refill against zcrx_flush_rq over one refill ring (commit af07330e28ad). Each niov
 * went to the application twice and came back once: one reference must be left.
 */
export const FLUSH_REFILL: RacePair = {
  id: "flush-refill",
  title: "FLUSH_RQ vs NAPI refill",
  regressions: [{ id: "F11", title: "FLUSH_RQ reads the ring without rq_lock" }],
  build: (race, size, regress) => {
    const { lock, head, uref, given } = refillRing(race, size);
    const what = "Z9 ZCRX_CTRL_FLUSH_RQ against Z4 RQE to alloc cache";
    const twice = race.rule(48, "one refill entry is consumed twice", "app", what);
    const skipped = race.rule(48, "a refill entry is passed over", "app", what);
    const consume = (a: ActorBuilder, locked: boolean) => {
      const at = a.local("head");
      const end = a.label();
      if (locked) a.lock(lock, "rq_lock");
      for (let k = 0; k < size; k++) {
        const none = a.label();
        a.if("cached_rq_head: read", (s) => (s[at] = s[head]!) < size, end);
        a.do("cached_rq_head: store", (s) => void (s[head] = s[at]! + 1));
        const old = a.local(`old${k}`);
        const again = a.label();
        a.if("uref: read", (s) => (s[old] = s[uref + s[at]!]!) !== 0, none);
        a.at(again);
        a.go("uref: cmpxchg", (s) => {
          const word = uref + s[at]!;
          if (s[word] !== s[old]) {
            s[old] = s[word]!;
            return s[old] === 0 ? none : again;
          }
          s[word]!--;
          s[old] = 0;
          if (++s[given + s[at]!]! > 1) fail(s, twice);
          return undefined;
        });
        a.at(none);
      }
      a.at(end);
      if (locked) a.unlock(lock, "rq_lock");
    };
    consume(race.actor("refill", "io_zcrx_ring_refill"), true);
    consume(race.actor("flush", "zcrx_flush_rq"), regress !== "F11");
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[given + i] !== 1) return skipped;
      return 0;
    });
  },
};

/**
 * An application that posts refill entries, publishing each at a time, against a refill that puts
 * entries of one niov in a row with one decrement (7.2). The application of F34 posts each twice.
 */
export const RQE_BATCH: RacePair = {
  id: "rqe-batch",
  title: "refill entries posted vs consumed in batches",
  regressions: [{ id: "F34", title: "the application posts an entry twice, and the batch is lost" }],
  build: (race, size, regress) => {
    const copies = regress === "F34" ? 2 : 1;
    const uref = race.sharedArray("uref", size, 1);
    const tail = race.shared("rq.tail", 0);
    const head = race.shared("rq.head", 0);
    const what = "Z4 RQE to alloc cache, merged with its duplicate";
    const stranded = race.rule("F34", "a niov given back is still the application's", "app", what);
    const app = race.actor("app", "io_uring_zcrx refill");
    for (let k = 0; k < size * copies; k++) {
      app.do("rq.tail: store-release", (s) => void (s[tail] = k + 1));
    }
    const refill = race.actor("refill", "io_zcrx_ring_refill");
    const seen = refill.local("tail");
    const at = refill.local("head");
    const nr = refill.local("nr");
    const end = refill.label();
    for (let pass = 0; pass < size * copies; pass++) {
      refill.wait("rq.tail: load-acquire", (s) => s[tail]! > s[at]! || app.isDone(s), (s) => {
        s[seen] = s[tail]!;
      });
      const merged = refill.label();
      const stored = refill.label();
      refill.at(merged);
      refill.go("uref: put a run", (s) => {
        const niov = Math.floor(s[at]! / copies);
        s[nr] = 0;
        while (s[at]! < s[seen]! && Math.floor(s[at]! / copies) === niov) {
          s[nr]!++;
          s[at]!++;
        }
        if (s[nr] === 0) return stored;
        if (s[uref + niov]! >= s[nr]!) s[uref + niov]! -= s[nr]!;
        return s[at]! < s[seen]! ? merged : stored;
      });
      refill.at(stored);
      refill.go("rq.head: store-release", (s) => {
        s[head] = s[at]!;
        return s[at] === size * copies ? end : undefined;
      });
    }
    refill.at(end);
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[uref + i] !== 0) return stranded;
      return 0;
    });
  },
};
