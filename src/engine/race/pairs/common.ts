import type { ActorBuilder, Label, RaceBuilder, Words } from "../model.js";
import { fail } from "../model.js";

/** Ghost values: who holds a netmem. */
export const IN_APP = 1;
export const IN_RING = 2;
export const IN_CACHE = 3;
export const IN_PROVIDER = 4;
export const IN_STACK = 5;

/**
 * page_pool_unref_netmem: puts `nr` references. Goes on with the next step if they were the last
 * (the count stays or becomes 1), else at `notLast`. `constant`: the compiler knows nr to be 1.
 */
export function unref(
  a: ActorBuilder,
  ppRef: number,
  nr: (s: Words) => number,
  to: { readonly notLast: Label; readonly constant: boolean; readonly below: number },
): void {
  const subtract = a.label();
  const last = a.label();
  if (to.constant) {
    a.go("pp_ref_count: read", (s) => (s[ppRef] === nr(s) ? last : undefined));
  } else {
    a.if("pp_ref_count: read", (s) => s[ppRef] === nr(s), subtract);
    a.set("pp_ref_count: set 1", ppRef, () => 1, last);
  }
  a.at(subtract);
  const subtracted = (s: Words) => {
    s[ppRef]! -= nr(s);
    if (s[ppRef]! < 0) fail(s, to.below);
    return s[ppRef] === 0;
  };
  a.if("pp_ref_count: sub_return", subtracted, to.notLast);
  a.do("pp_ref_count: reset to 1", (s) => {
    s[ppRef] = 1;
  });
  a.at(last);
}

/**
 * io_zcrx_put_niov_uref: one user reference, by a cmpxchg loop that never goes below 0, or as it
 * was (`racy`), by a read and a decrement. Goes on at `none` if there is no reference.
 */
export function putUref(
  a: ActorBuilder,
  uref: number,
  none: Label,
  rules: { readonly racy: boolean; readonly below: number },
): void {
  if (rules.racy) {
    a.if("uref: read", (s) => s[uref] !== 0, none);
    a.do("uref: dec", (s) => {
      if (--s[uref]! < 0 && rules.below > 0) fail(s, rules.below);
    });
    return;
  }
  const old = a.local(`old${uref}`);
  const again = a.label();
  a.load("uref: read", old, (s) => s[uref]!, none);
  a.at(again);
  a.go("uref: cmpxchg", (s) => {
    if (s[uref] === s[old]) {
      s[uref]!--;
      s[old] = 0;
      return undefined;
    }
    s[old] = s[uref]!;
    return s[old] === 0 ? none : again;
  });
}

/** The words of a page pool that other CPUs touch while it is being released. */
export interface PoolWords {
  readonly producerLock: number;
  readonly ring: number;
  readonly stat: number;
  readonly releaseCnt: number;
  readonly freed: number;
  /** Rule: somebody touches the pool after it was freed. */
  readonly useAfterFree: number;
}

/** Declares a pool; `owner` is what the rule about its life names. */
export function declarePool(race: RaceBuilder, name: string, transition: string): PoolWords {
  return {
    producerLock: race.shared(`${name}.ring.producer_lock`, 0),
    ring: race.shared(`${name}.ring`, 0),
    stat: race.shared(`${name}.recycle_stats`, 0),
    releaseCnt: race.shared(`${name}.pages_state_release_cnt`, 0),
    freed: race.ghost(`${name} freed`, 0),
    useAfterFree: race.rule(26, `${name} is touched after it was freed`, "poolRing", transition),
  };
}

/** Looks at the pool: broken if it was freed. */
export function touch(pool: PoolWords): (s: Words) => void {
  return (s) => {
    if (s[pool.freed] === 1) fail(s, pool.useAfterFree);
  };
}

/**
 * page_pool_recycle_in_ring: the producer lock, the entry, the statistic, the unlock. `produced`
 * runs with the entry; goes on with the next step, or at `then`.
 */
export function recycleInRing(
  a: ActorBuilder,
  pool: PoolWords,
  produced: (s: Words) => void = () => {},
  then?: Label,
): void {
  const alive = touch(pool);
  a.lock(pool.producerLock, "producer_lock", alive);
  a.do("ring: produce", (s) => {
    alive(s);
    produced(s);
    s[pool.ring]!++;
  });
  a.do("recycle_stats: ring++", (s) => {
    alive(s);
    s[pool.stat]!++;
  });
  a.unlock(pool.producerLock, "producer_lock", alive, then);
}

/** What {@link releaseWorker} needs beside the pool. */
export interface ReleasePlan {
  /** Netmems that the pool counts, all of them out at first. */
  readonly hold: number;
  /** Whether producers are waited for before the pool is freed. */
  readonly barrier: boolean;
  /** mp_ops->release_netmem of one netmem that came out of the ring: before release_cnt rises. */
  readonly give?: (a: ActorBuilder) => void;
  /** Runs when nothing is in flight, before the pool is freed (mp_ops->destroy). */
  readonly destroy?: (a: ActorBuilder) => void;
}

/**
 * page_pool_release by the destroyer and then by page_pool_release_retry: empty the ring, count
 * what is in flight, let producers leave, free at 0. A retry that would find nothing new is left
 * out: it waits until the ring holds something or all have come back.
 */
export function releaseWorker(a: ActorBuilder, pool: PoolWords, plan: ReleasePlan): void {
  const inflight = a.local("inflight");
  const end = a.label();
  for (let attempt = 0; attempt <= plan.hold; attempt++) {
    if (attempt > 0) {
      const due = (s: Words) => s[pool.ring]! > 0 || s[pool.releaseCnt] === plan.hold;
      a.wait("page_pool_release_retry: due", due);
    }
    const empty = a.label();
    for (let i = 0; i < plan.hold; i++) {
      a.if("ring: consume", (s) => s[pool.ring]! > 0 && s[pool.ring]!-- > 0, empty);
      plan.give?.(a);
      a.do("pages_state_release_cnt: inc", (s) => void s[pool.releaseCnt]!++);
    }
    a.at(empty);
    const stalled = a.label();
    const decide = (s: Words) => (s[inflight] === 0 ? undefined : stalled);
    a.go("pages_state_release_cnt: read", (s) => {
      s[inflight] = plan.hold - s[pool.releaseCnt]!;
      return plan.barrier ? undefined : decide(s);
    });
    if (plan.barrier) {
      a.lock(pool.producerLock, "producer_lock");
      a.go("producer_lock: unlock", (s) => {
        s[pool.producerLock] = 0;
        return decide(s);
      });
    }
    plan.destroy?.(a);
    a.set("pool: free", pool.freed, () => 1, end);
    a.at(stalled);
  }
  a.at(end);
}
