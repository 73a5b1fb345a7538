import { fail, type RaceBuilder, type Words } from "../model.js";
import type { RacePair } from "../pair.js";

/**
 * io_close_queue against netdev unregister, which closes the device, calls io_pp_uninstall and
 * waits for references. Whoever takes ifq->netdev out under pp_lock drops its reference.
 */
export const UNINSTALL_CLOSE: RacePair = {
  id: "uninstall-close",
  title: "uninstall vs close",
  regressions: [
    { id: "F3", title: "the area is unmapped when the instance is freed, whatever the device" },
    { id: "nested-lock", title: "close takes the netdev lock while it holds pp_lock" },
    { id: "no-device-ref", title: "close does not keep the device alive" },
  ],
  build: (race, _size, regress) => {
    const w = declareDevice(race);
    unregisterZcrx(race, w, regress);
    closeQueue(race, w, regress);
  },
};

/** The words of {@link UNINSTALL_CLOSE}, and what its actors do to them. */
function declareDevice(race: RaceBuilder) {
  const netdev = race.shared("ifq.netdev", 1);
  const refs = race.shared("netdev.refs", 1);
  const mapped = race.shared("area.is_mapped", 1);
  const gone = race.ghost("device freed", 0);
  const live = race.ghost("area mapped", 1);
  const what = "close of the queue against uninstall";
  const dead = race.rule(31, "close works on a device that was freed", "driver", what);
  const late = race.rule(34, "the area is unmapped on a device that was freed", "none", what);
  const below = race.rule(31, "a device reference is dropped twice", "none", what);
  const left = race.rule(34, "a mapping of the area outlives its device", "none", what);
  return {
    rtnl: race.shared("netdev.lock", 0),
    ppLock: race.shared("ifq.pp_lock", 0),
    mp: race.shared("rxq.mp_params", 1),
    refs,
    put: (s: Words) => {
      if (--s[refs]! < 0) fail(s, below);
    },
    takeNetdev: (s: Words, into: number) => {
      s[into] = s[netdev]!;
      s[netdev] = 0;
      return s[into] === 1;
    },
    unmap: (s: Words) => {
      if (s[mapped] === 1 && s[gone] === 1) fail(s, late);
      s[mapped] = 0;
      s[live] = 0;
    },
    alive: (s: Words) => {
      if (s[gone] === 1) fail(s, dead);
    },
    free: (s: Words, mayBeMapped: boolean) => {
      s[gone] = 1;
      if (s[live] === 1 && !mayBeMapped) fail(s, left);
    },
  };
}

type DeviceWords = ReturnType<typeof declareDevice>;

function unregisterZcrx(race: RaceBuilder, w: DeviceWords, regress: string): void {
  const { rtnl, ppLock, mp, refs } = w;
  const down = race.actor("unregister", "io_pp_uninstall");
  const had = down.local("netdev");
  const skip = down.label();
  const taken = down.label();
  down.lock(rtnl, "netdev lock");
  down.if("mp_params: read", (s) => s[mp] === 1, skip);
  down.lock(ppLock, "pp_lock");
  down.if("ifq.netdev: take", (s) => w.takeNetdev(s, had), taken);
  down.do("netdev.refs: put", w.put);
  down.at(taken);
  down.unlock(ppLock, "pp_lock");
  if (regress !== "F3") down.do("area.is_mapped: unmap", w.unmap);
  down.set("mp_params: clear", mp, () => 0);
  down.at(skip);
  down.unlock(rtnl, "netdev lock");
  const free = (s: Words) => w.free(s, regress === "F3");
  down.wait("netdev.refs: wait for 0", (s) => s[refs] === 0, free);
}

function closeQueue(race: RaceBuilder, w: DeviceWords, regress: string): void {
  const { rtnl, ppLock, mp } = w;
  const close = race.actor("close", "io_close_queue");
  const mine = close.local("netdev");
  const free = close.label();
  const nested = regress === "nested-lock";
  const early = regress === "no-device-ref";
  const onward = (s: Words) => (s[mine] === 0 ? free : undefined);
  close.lock(ppLock, "pp_lock");
  close.go("ifq.netdev: take", (s) => {
    w.takeNetdev(s, mine);
    return nested ? onward(s) : undefined;
  });
  if (!nested) {
    close.go("pp_lock: unlock", (s) => {
      s[ppLock] = 0;
      return onward(s);
    });
  }
  if (early) close.do("netdev.refs: put", w.put);
  close.lock(rtnl, "netdev lock", w.alive);
  close.do("mp_params: clear", (s) => {
    w.alive(s);
    s[mp] = 0;
  });
  if (regress !== "F3") close.do("area.is_mapped: unmap", w.unmap);
  close.unlock(rtnl, "netdev lock", w.alive);
  if (!early) close.do("netdev.refs: put", w.put);
  close.at(free);
  if (nested) close.unlock(ppLock, "pp_lock");
  close.do("area.is_mapped: io_zcrx_ifq_free", w.unmap);
}

/**
 * The binding netlink socket's close (netdev_nl_sock_priv_destroy) against netdev unregister with
 * mp_dmabuf_devmem_uninstall: orders S-P-U, P-S-U and P-U-S and all between (0afc44d8cdf6).
 */
export const UNBIND_ORDERS: RacePair = {
  id: "unbind-orders",
  title: "netlink socket close vs uninstall (devmem)",
  regressions: [
    { id: "F15", title: "uninstall does not make the binding forget its device" },
    { id: "no-device-ref", title: "the netlink close does not hold the device" },
  ],
  build: (race, size, regress) => {
    const w = declareBinding(race, size);
    unregisterDevmem(race, w, regress);
    closeNetlink(race, w, regress);
    race.atEnd((s) => (s[w.freed] === 1 ? 0 : w.leak));
  },
};

/** The words of {@link UNBIND_ORDERS}, and what its actors do to them. */
function declareBinding(race: RaceBuilder, size: number) {
  const refs = race.shared("binding.refs", 1 + size);
  const gone = race.ghost("device freed", 0);
  const freed = race.ghost("binding freed", 0);
  const what = "unbind after uninstall (P-U-S)";
  const dead = race.rule(54, "the netlink close works on a device that was freed", "none", what);
  return {
    size,
    rtnl: race.shared("netdev.lock", 0),
    lock: race.shared("binding.lock", 0),
    dev: race.shared("binding.dev", 1),
    bound: race.sharedArray("binding.bound_rxqs", size, 1),
    poolGone: race.sharedArray("pool destroyed", size, 0),
    devRefs: race.shared("netdev.refs", 1),
    gone,
    freed,
    leak: race.rule(54, "the binding is never freed", "none", what),
    alive: (s: Words) => {
      if (s[gone] === 1) fail(s, dead);
    },
    put: (s: Words) => {
      if (--s[refs]! === 0) s[freed] = 1;
    },
  };
}

type BindingWords = ReturnType<typeof declareBinding>;

function unregisterDevmem(race: RaceBuilder, w: BindingWords, regress: string): void {
  const down = race.actor("unregister", "mp_dmabuf_devmem_uninstall");
  down.lock(w.rtnl, "netdev lock");
  for (let i = 0; i < w.size; i++) {
    const not = down.label();
    down.testAndSet("pool: destroy", w.poolGone + i, not);
    down.do("binding.refs: pool's put", w.put);
    down.at(not);
  }
  if (regress !== "F15") {
    for (let i = 0; i < w.size; i++) down.set("bound_rxqs: erase", w.bound + i, () => 0);
    down.lock(w.lock, "binding.lock");
    down.set("binding.dev: NULL", w.dev, () => 0);
    down.unlock(w.lock, "binding.lock");
  }
  down.unlock(w.rtnl, "netdev lock");
  down.do("netdev.refs: put", (s) => void s[w.devRefs]!--);
  const free = (s: Words) => {
    s[w.gone] = 1;
  };
  down.wait("netdev.refs: wait for 0", (s) => s[w.devRefs] === 0, free);
}

function closeNetlink(race: RaceBuilder, w: BindingWords, regress: string): void {
  const nl = race.actor("netlink", "netdev_nl_sock_priv_destroy");
  const has = nl.local("dev");
  const none = nl.label();
  const end = nl.label();
  const held = regress !== "no-device-ref";
  nl.lock(w.lock, "binding.lock");
  nl.load("binding.dev: read", has, (s) => s[w.dev]!, none);
  if (held) {
    nl.do("netdev.refs: hold", (s) => {
      w.alive(s);
      s[w.devRefs]!++;
    });
  }
  nl.unlock(w.lock, "binding.lock");
  nl.lock(w.rtnl, "netdev lock", w.alive);
  for (let i = 0; i < w.size; i++) {
    const not = nl.label();
    nl.if("bound_rxqs: read", (s) => s[w.bound + i] === 1, not);
    nl.set("bound_rxqs: erase", w.bound + i, () => 0);
    // netif_mp_close_rxq: the restart destroys the pool on the provider.
    nl.go("pool: destroy", (s) => {
      w.alive(s);
      if (s[w.poolGone + i] !== 0) return not;
      s[w.poolGone + i] = 1;
      return undefined;
    });
    nl.do("binding.refs: pool's put", w.put);
    nl.at(not);
  }
  nl.unlock(w.rtnl, "netdev lock", w.alive, held ? undefined : end);
  if (held) nl.do("netdev.refs: put", (s) => void s[w.devRefs]!--, end);
  nl.at(none);
  nl.unlock(w.lock, "binding.lock");
  nl.at(end);
  nl.do("binding.refs: unbind puts", w.put);
}

/**
 * net_devmem_bind_dmabuf, then unbind, against net_devmem_lookup_dmabuf: the id is published when
 * the binding is whole, and is gone for a grace period before the binding's reference goes.
 */
export const BIND_LOOKUP: RacePair = {
  id: "bind-lookup",
  title: "bind and unbind vs lookup of the id",
  regressions: [
    { id: "F26", title: "the id is published before the binding is set up" },
    { id: "no-rcu-wait", title: "unbind drops its reference without a grace period" },
  ],
  build: (race, size, regress) => {
    const id = race.shared("bindings xarray", 0);
    const niovs = race.shared("binding.vec", 0);
    const listed = race.shared("priv.bindings", 0);
    const refs = race.shared("binding.ref", 0);
    const reader = race.sharedArray("rcu.reader", size, 0);
    const grace = race.ghostArray("rcu.grace", size, 0);
    const freed = race.ghost("binding freed", 0);
    const raw = race.rule("F26", "a binding is found before it is set up", "none", "bind-rx");
    const dead = race.rule(54, "a freed binding is looked at", "none", "unbind");
    const leak = race.rule(54, "the binding is never freed", "none", "unbind");
    const put = (s: Words) => {
      if (--s[refs]! === 0) s[freed] = 1;
    };
    const bind = race.actor("bind", "net_devmem_bind_dmabuf");
    const publish = () => bind.set("bindings: xa_alloc_cyclic", id, () => 1);
    bind.set("binding.ref: 1", refs, () => 1);
    if (regress === "F26") publish();
    bind.set("binding.vec: fill", niovs, () => 1);
    if (regress !== "F26") publish();
    bind.set("priv.bindings: list_add", listed, () => 1);
    bind.set("bindings: xa_erase", id, () => 0);
    if (regress !== "no-rcu-wait") {
      for (let i = 0; i < size; i++) {
        bind.set("rcu: synchronize_net begins", grace + i, (s) => s[reader + i]!);
      }
      const over = (s: Words) => {
        for (let i = 0; i < size; i++) if (s[grace + i] === 1) return false;
        return true;
      };
      bind.wait("rcu: synchronize_net ends", over);
    }
    bind.do("binding.ref: put", put);
    for (let i = 0; i < size; i++) {
      const lookup = race.actor(`lookup${i}`, "net_devmem_lookup_dmabuf");
      const none = lookup.label();
      lookup.set("rcu: read_lock", reader + i, () => 1);
      lookup.if("bindings: xa_load", (s) => s[id] === 1, none);
      lookup.if(
        "binding.ref: inc_not_zero",
        (s) => {
          if (s[freed] === 1) fail(s, dead);
          return s[refs]! > 0 && s[refs]!++ > 0;
        },
        none,
      );
      lookup.do("binding.vec: read", (s) => {
        if (s[freed] === 1) fail(s, dead);
        if (s[niovs] === 0) fail(s, raw);
      });
      lookup.do("binding.ref: put", put);
      lookup.at(none);
      lookup.do("rcu: read_unlock", (s) => {
        s[reader + i] = 0;
        s[grace + i] = 0;
      });
    }
    race.atEnd((s) => (s[freed] === 1 ? 0 : leak));
  },
};
