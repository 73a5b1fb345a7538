import { type ActorBuilder, fail, type RaceBuilder } from "../model.js";
import type { RacePair } from "../pair.js";

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
        a.go("cached_rq_head: read", (s) => {
          s[at] = s[head]!;
          return s[at]! < size ? undefined : end;
        });
        a.set("cached_rq_head: store", head, (s) => s[at]! + 1);
        const old = a.local(`old${k}`);
        const again = a.label();
        a.load("uref: read", old, (s) => s[uref + s[at]!]!, none);
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
  regressions: [
    { id: "F34", title: "the application posts an entry twice, and the batch is lost" },
  ],
  build: (race, size, regress) => {
    const copies = regress === "F34" ? 2 : 1;
    const uref = race.sharedArray("uref", size, 1);
    const tail = race.shared("rq.tail", 0);
    const head = race.shared("rq.head", 0);
    const what = "Z4 RQE to alloc cache, merged with its duplicate";
    const stranded = race.rule("F34", "a niov given back is still the application's", "app", what);
    const app = race.actor("app", "io_uring_zcrx refill");
    for (let k = 0; k < size * copies; k++) {
      app.set("rq.tail: store-release", tail, () => k + 1);
    }
    const refill = race.actor("refill", "io_zcrx_ring_refill");
    const seen = refill.local("tail");
    const at = refill.local("head");
    const nr = refill.local("nr");
    const end = refill.label();
    for (let pass = 0; pass < size * copies; pass++) {
      refill.wait(
        "rq.tail: load-acquire",
        (s) => s[tail]! > s[at]! || app.isDone(s),
        (s) => {
          s[seen] = s[tail]!;
        },
      );
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
