import { fail, type Words } from "../model.js";
import type { RacePair } from "../pair.js";
import { declarePool, recycleInRing, releaseWorker, touch } from "./common.js";

/**
 * page_pool_recycle_in_ring against page_pool_release: as many last puts on CPUs of their own as
 * netmems, the pool destroyed at any moment (commit 271683bb2cf3).
 */
export const PRODUCE_FREE: RacePair = {
  id: "produce-free",
  title: "ring produce vs pool free",
  regressions: [{ id: "F5", title: "the pool is freed without waiting for producers to leave" }],
  build: (race, size, regress) => {
    const pool = declarePool(race, "pool", "T6 last skb frag put to pool");
    const stuck = race.rule(51, "the pool is never freed", "poolRing", "T9 pool to provider");
    for (let i = 0; i < size; i++) {
      recycleInRing(race.actor(`put${i}`, "page_pool_recycle_in_ring"), pool);
    }
    const release = race.actor("release", "page_pool_release");
    releaseWorker(release, pool, { hold: size, barrier: regress !== "F5" });
    race.atEnd((s) => (s[pool.freed] === 1 ? 0 : stuck));
  },
};

/**
 * page_pool_recycle_ring_bulk against page_pool_release; the ring refuses the last netmem of the
 * bulk, which goes to the provider behind the lock (commit bdea4980182e).
 */
export const BULK_FREE: RacePair = {
  id: "bulk-free",
  title: "bulk put vs pool free",
  regressions: [{ id: "F6", title: "the bulk's statistic is added after the producer lock" }],
  build: (race, size, regress) => {
    const pool = declarePool(race, "pool", "T6 last skb frag put to pool, in a bulk");
    const stuck = race.rule(51, "the pool is never freed", "poolRing", "T9 pool to provider");
    const alive = touch(pool);
    const full = regress === "F6" ? 0 : 1;
    const put = race.actor("bulk", "page_pool_recycle_ring_bulk");
    put.lock(pool.producerLock, "producer_lock", alive);
    for (let i = 0; i < size; i++) {
      put.do("ring: produce", (s) => {
        alive(s);
        s[pool.ring]!++;
      });
    }
    const stat = (s: Words) => {
      alive(s);
      s[pool.stat]! += size;
    };
    if (regress !== "F6") put.do("recycle_stats: ring += n", stat);
    put.unlock(pool.producerLock, "producer_lock", alive);
    if (regress === "F6") put.do("recycle_stats: ring += n", stat);
    for (let i = 0; i < full; i++) {
      put.do("pages_state_release_cnt: inc", (s) => {
        alive(s);
        s[pool.releaseCnt]!++;
      });
    }
    const release = race.actor("release", "page_pool_release");
    releaseWorker(release, pool, { hold: size + full, barrier: true });
    race.atEnd((s) => (s[pool.freed] === 1 ? 0 : stuck));
  },
};

/**
 * page_pool_return_netmem (the ring was full) against page_pool_release and mp_ops->destroy: the
 * provider takes the netmem back before release_cnt rises, since the last rise lets the pool and,
 * with the pool's reference, the provider go.
 */
export const PUT_DESTROY: RacePair = {
  id: "put-destroy",
  title: "last put vs destroy",
  regressions: [
    { id: "count-first", title: "release_cnt rises before the provider has the netmem" },
    { id: "destroy-early", title: "the pool is freed without asking what is in flight" },
  ],
  build: (race, size, regress) => {
    const pool = declarePool(race, "pool", "T9 pool to provider");
    const free = race.shared("provider.free_count", 0);
    const refs = race.shared("provider.refs", 1);
    const gone = race.ghost("provider freed", 0);
    const late = race.rule(
      22,
      "release_netmem runs on a provider that was freed",
      "none",
      "T9 pool to provider, release_cnt raised first",
    );
    const stuck = race.rule(51, "pool or provider is never freed", "none", "T9 pool to provider");
    const early = race.rule(2, "the pool is freed with netmems in flight", "stack", "none");
    const give = (s: Words) => {
      if (s[gone] === 1) fail(s, late);
      s[free]!++;
    };
    for (let i = 0; i < size; i++) {
      const put = race.actor(`put${i}`, "page_pool_return_netmem");
      const count = () =>
        put.do("pages_state_release_cnt: inc", (s) => {
          if (s[pool.freed] === 1) fail(s, pool.useAfterFree);
          s[pool.releaseCnt]!++;
        });
      if (regress === "count-first") count();
      put.do("free_count: release_netmem", give);
      if (regress !== "count-first") count();
    }
    const release = race.actor("release", "page_pool_release");
    if (regress === "destroy-early") {
      release.do("pool: free", (s) => {
        s[pool.freed] = 1;
        if (s[pool.releaseCnt]! < size) fail(s, early);
      });
    } else {
      releaseWorker(release, pool, {
        hold: size,
        barrier: true,
        destroy: (a) =>
          a.do("provider.refs: mp_ops->destroy puts", (s) => {
            if (--s[refs]! === 0) s[gone] = 1;
          }),
      });
    }
    const whole = (s: Words) => s[pool.freed] === 1 && s[gone] === 1 && s[free] === size;
    race.atEnd((s) => (whole(s) ? 0 : stuck));
  },
};

/**
 * page_pool_dma_sync_for_device and a late page_pool_return_netmem against page_pool_scrub and the
 * device's removal (commit ee62ce7a1d90): sync is switched off, readers are waited for (RCU), then
 * every tracked page is unmapped, each once.
 */
export const UNMAP_SYNC: RacePair = {
  id: "unmap-sync",
  title: "DMA unmap vs late sync",
  regressions: [
    { id: "F4", title: "pages in flight stay mapped when the pool is destroyed" },
    { id: "no-rcu-wait", title: "scrub unmaps without waiting for syncs that began before" },
    { id: "unmap-twice", title: "the mapping is read and cleared, not exchanged" },
  ],
  build: (race, size, regress) => {
    const dmaSync = race.shared("pool.dma_sync", 1);
    const index = race.sharedArray("pool.dma_mapped", size, 1);
    const reader = race.sharedArray("rcu.reader", size, 0);
    const grace = race.ghostArray("rcu.grace", size, 0);
    const mapped = race.ghostArray("mapped", size, 1);
    const device = race.ghost("device", 1);
    const transition = "T9 pool to provider, the pool being scrubbed";
    const unmapped = race.rule(34, "a page is synced after its unmap", "poolRing", transition);
    const twice = race.rule(34, "a page is unmapped twice", "poolRing", transition);
    const dead = race.rule(34, "a page is unmapped on a device that is gone", "stack", transition);
    const unmap = (s: Words, i: number) => {
      if (s[device] === 0) fail(s, dead);
      if (s[mapped + i] === 0) fail(s, twice);
      s[mapped + i] = 0;
    };
    type Who = ReturnType<typeof race.actor>;
    const release = (a: Who, i: number) => {
      const none = a.label();
      if (regress === "unmap-twice") {
        a.if("dma_mapped: read", (s) => s[index + i] === 1, none);
        a.do("dma_mapped: erase", (s) => {
          s[index + i] = 0;
          unmap(s, i);
        });
      } else {
        const exchange = (s: Words) => {
          if (s[index + i] === 0) return false;
          s[index + i] = 0;
          unmap(s, i);
          return true;
        };
        a.if("dma_mapped: xa_cmpxchg", exchange, none);
      }
      a.at(none);
    };
    for (let i = 0; i < size; i++) {
      const put = race.actor(`put${i}`, "page_pool_dma_sync_for_device");
      const done = put.label();
      const out = put.label();
      put.if("dma_sync: read", (s) => s[dmaSync] === 1, done);
      put.set("rcu: read_lock", reader + i, () => 1);
      put.if("dma_sync: read again", (s) => s[dmaSync] === 1, out);
      put.do("device: sync", (s) => {
        if (s[mapped + i] === 0) fail(s, unmapped);
      });
      put.at(out);
      put.do("rcu: read_unlock", (s) => {
        s[reader + i] = 0;
        s[grace + i] = 0;
      });
      put.at(done);
      release(put, i);
    }
    const scrub = race.actor("scrub", "page_pool_scrub");
    scrub.set("dma_sync: off", dmaSync, () => 0);
    if (regress !== "no-rcu-wait") {
      // A grace period waits for the readers of its beginning, not for those that come later.
      for (let i = 0; i < size; i++) {
        scrub.set("rcu: synchronize_net begins", grace + i, (s) => s[reader + i]!);
      }
      const over = (s: Words) => {
        for (let i = 0; i < size; i++) if (s[grace + i] === 1) return false;
        return true;
      };
      scrub.wait("rcu: synchronize_net ends", over);
    }
    if (regress !== "F4") for (let i = 0; i < size; i++) release(scrub, i);
    scrub.set("device: remove", device, () => 0);
  },
};
