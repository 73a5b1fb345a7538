import { type ActorBuilder, fail, type Words } from "../model.js";
import type { RacePair } from "../pair.js";
import { IN_CACHE, IN_PROVIDER, IN_STACK } from "./common.js";

/**
 * netif_mp_close_rxq (unbind, ring exit) against the driver's reset work and a link going down: all
 * three take the netdev instance lock around reading mp_params and replacing the pool.
 */
export const CLOSE_RESET: RacePair = {
  id: "close-reset",
  title: "provider close vs driver reset",
  regressions: [
    { id: "F25", title: "whether the interface runs is looked up before the lock is taken" },
    { id: "no-instance-lock", title: "the reset work does not take the instance lock" },
  ],
  build: (race, size, regress) => {
    const lock = race.shared("netdev.lock", 0);
    const mp = race.shared("rxq.mp_params", 1);
    const source = race.shared("queue pool's provider", 1);
    const up = race.shared("netif_running", 1);
    const refs = race.shared("binding.refs", 2);
    const gone = race.ghost("binding freed", 0);
    const started = race.ghost("queue started", 1);
    const down = race.rule(28, "a queue is started or stopped on a closed device", "driver", "T2");
    const dead = race.rule(
      25,
      "a pool is made on a provider that was freed",
      "poolCache",
      "T1 provider to pool",
    );
    const kept = race.rule(29, "a queue keeps the pool of a closed provider", "driver", "T1");
    const drop = (a: ActorBuilder, point: string, when: (s: Words) => boolean) =>
      a.do(`binding.refs: ${point}`, (s) => {
        if (when(s) && --s[refs]! === 0) s[gone] = 1;
      });
    /** mem_alloc, stop, start, mem_free with the mp_params of now. */
    const rebuild = (a: ActorBuilder, running: number) => {
      const want = a.local("new source");
      const had = a.local("old source");
      a.set("mp_params: read", want, (s) => s[mp]!);
      a.do("binding.refs: init", (s) => {
        if (s[want] === 0) return;
        if (s[gone] === 1) fail(s, dead);
        s[refs]!++;
      });
      if (running >= 0) {
        a.do("queue: stop, start", (s) => {
          if (s[running] === 1 && s[started] === 0) fail(s, down);
        });
      }
      a.do("queue: swap pools", (s) => {
        s[had] = s[source]!;
        s[source] = s[want]!;
      });
      drop(a, "pool destroyed", (s) => s[had] === 1);
    };
    const close = race.actor("close", "netif_mp_close_rxq");
    const running = close.local("running");
    const look = () => close.set("netif_running: read", running, (s) => s[up]!);
    if (regress === "F25") look();
    close.lock(lock, "netdev lock");
    if (regress !== "F25") look();
    close.set("mp_params: clear", mp, () => 0);
    rebuild(close, running);
    close.unlock(lock, "netdev lock");
    drop(close, "unbind", () => true);
    for (let i = 0; i < size; i++) {
      const reset = race.actor(`reset${i}`, "driver reset work");
      if (regress !== "no-instance-lock") reset.lock(lock, "netdev lock");
      rebuild(reset, -1);
      if (regress !== "no-instance-lock") reset.unlock(lock, "netdev lock");
    }
    const link = race.actor("link", "ndo_stop");
    link.lock(lock, "netdev lock");
    link.do("netif_running: clear", (s) => {
      s[up] = 0;
      s[started] = 0;
    });
    link.unlock(lock, "netdev lock");
    race.atEnd((s) => (s[source] === 1 || s[refs] !== 0 ? kept : 0));
  },
};

/**
 * A restart with two pools on one zcrx instance: the old one's netmems come back
 * (io_pp_zc_release_netmem) while the new one takes some (io_zcrx_refill_slow), both under
 * freelist_lock. The old pool's end may find niovs out: they are the new pool's.
 */
export const TWO_POOLS: RacePair = {
  id: "two-pools",
  title: "two pools on one provider during restart",
  regressions: [
    { id: "F13", title: "destroy warns of niovs that another pool has" },
    { id: "no-freelist-lock", title: "the freelist is changed without its lock" },
  ],
  build: (race, size, regress) => {
    const locked = regress !== "no-freelist-lock";
    const total = 2 * size;
    const lock = race.shared("freelist_lock", 0);
    const count = race.shared("free_count", size);
    // Niovs 0 to size - 1 are free, the others the old pool's; the freelist holds number + 1.
    const list = race.sharedArray("freelist", total, (i) => (i < size ? i + 1 : 0));
    const owner = race.ghostArray("owner", total, (i) => (i < size ? IN_PROVIDER : IN_STACK));
    const twice = race.rule(
      4,
      "a niov is taken from the freelist twice, or from an empty place",
      "poolCache",
      "Z1 freelist to pool, against Z8 pool to freelist",
    );
    const lost = race.rule(4, "free_count and pools do not add up", "none", "Z8 pool to freelist");
    const warned = race.rule("F13", "a legal state was warned about", "none", "pool destroy");
    const fresh = race.actor("new", "io_zcrx_refill_slow");
    const top = fresh.local("free_count");
    for (let i = 0; i < size; i++) {
      const none = fresh.label();
      if (locked) fresh.lock(lock, "freelist_lock");
      fresh.load("free_count: read", top, (s) => s[count]!, none);
      fresh.set("free_count: store", count, (s) => s[top]! - 1);
      fresh.do("freelist: read", (s) => {
        const niov = s[list + s[top]! - 1]! - 1;
        if (niov < 0 || s[owner + niov] !== IN_PROVIDER) fail(s, twice);
        else s[owner + niov] = IN_CACHE;
      });
      fresh.at(none);
      if (locked) fresh.unlock(lock, "freelist_lock");
    }
    const old = race.actor("old", "io_pp_zc_release_netmem");
    const place = old.local("free_count");
    for (let i = 0; i < size; i++) {
      if (locked) old.lock(lock, "freelist_lock");
      old.set("free_count: read", place, (s) => s[count]!);
      old.do("freelist: store", (s) => {
        s[list + s[place]!] = size + i + 1;
        s[owner + size + i] = IN_PROVIDER;
      });
      old.set("free_count: store", count, (s) => s[place]! + 1);
      if (locked) old.unlock(lock, "freelist_lock");
    }
    if (regress === "F13") {
      old.do("free_count: destroy compares", (s) => {
        if (s[count] !== total) fail(s, warned);
      });
    }
    race.atEnd((s) => {
      let free = 0;
      for (let i = 0; i < total; i++) if (s[owner + i] === IN_PROVIDER) free++;
      return free === s[count] ? 0 : lost;
    });
  },
};

/**
 * A NAPI poll, which may leave skbs in GRO, against ndo_queue_stop: napi_disable waits for the
 * poll, GRO is flushed to the stack, then the pool is destroyed; and the stack's late put.
 */
export const GRO_STOP: RacePair = {
  id: "gro-stop",
  title: "GRO-held skbs across ndo_queue_stop",
  regressions: [
    { id: "no-flush", title: "the queue stops without flushing GRO" },
    { id: "no-napi-disable", title: "the queue stops without waiting for the poll" },
  ],
  build: (race, size, regress) => {
    const napi = race.shared("napi.state", 0);
    const gro = race.shared("napi.gro", 0);
    const cache = race.shared("pool.alloc.count", size);
    const ring = race.shared("pool.ring", 0);
    const stack = race.shared("socket queue", 0);
    const destroyed = race.ghost("pool destroyed", 0);
    const late = race.rule(26, "a destroyed pool serves the driver", "driver", "T2 pool to driver");
    const held = race.rule(
      33,
      "a pool is destroyed while GRO holds its netmems",
      "driver",
      "T4 driver to skb, in GRO",
    );
    const stuck = race.rule(51, "an skb stays in GRO for good", "stack", "T4 driver to skb");
    const poll = race.actor("poll", "napi_poll");
    const end = poll.label();
    for (let i = 0; i < size; i++) {
      const none = poll.label();
      poll.testAndSet("napi.state: set SCHED", napi, end);
      poll.if(
        "alloc.count: pop",
        (s) => {
          if (s[destroyed] === 1) fail(s, late);
          return s[cache]! > 0 && s[cache]!-- > 0;
        },
        none,
      );
      poll.do("napi.gro: hold", (s) => void s[gro]!++);
      poll.at(none);
      poll.do("napi.state: clear SCHED", (s) => {
        if (s[napi] === 1) s[napi] = 0;
      });
    }
    poll.at(end);
    const stop = race.actor("stop", "ndo_queue_stop");
    const skbs = stop.local("skbs");
    const off = (s: Words) => {
      s[napi] = 2;
    };
    if (regress === "no-napi-disable") stop.do("napi.state: set DISABLE", off);
    else stop.wait("napi.state: set DISABLE", (s) => s[napi] === 0, off);
    if (regress !== "no-flush") {
      stop.do("napi.gro: take", (s) => {
        s[skbs] = s[gro]!;
        s[gro] = 0;
      });
      stop.set("socket queue: append", stack, (s) => s[stack]! + s[skbs]!);
    }
    stop.do("alloc.count: scrub", (s) => {
      s[cache] = 0;
      s[destroyed] = 1;
    });
    stop.do("napi.gro: netif_napi_del", (s) => {
      if (s[gro]! > 0) fail(s, held);
    });
    const reader = race.actor("reader", "tcp_recvmsg");
    for (let i = 0; i < size; i++) {
      const none = reader.label();
      reader.wait("socket queue: wait", (s) => s[stack]! > 0 || stop.isDone(s));
      reader.if("socket queue: take", (s) => s[stack]! > 0 && s[stack]!-- > 0, none);
      reader.do("ring: produce", (s) => void s[ring]!++);
      reader.at(none);
    }
    race.atEnd((s) => (s[gro]! > 0 || s[stack]! > 0 ? stuck : 0));
  },
};
