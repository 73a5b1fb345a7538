import { fail, type Words } from "../model.js";
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
    const rtnl = race.shared("netdev.lock", 0);
    const ppLock = race.shared("ifq.pp_lock", 0);
    const netdev = race.shared("ifq.netdev", 1);
    const refs = race.shared("netdev.refs", 1);
    const mp = race.shared("rxq.mp_params", 1);
    const mapped = race.shared("area.is_mapped", 1);
    const gone = race.ghost("device freed", 0);
    const what = "close of the queue against uninstall";
    const dead = race.rule(31, "close works on a device that was freed", "driver", what);
    const late = race.rule(34, "the area is unmapped on a device that was freed", "none", what);
    const below = race.rule(31, "a device reference is dropped twice", "none", what);
    const left = race.rule(34, "a mapping of the area outlives its device", "none", what);
    const put = (s: Words) => {
      if (--s[refs]! < 0) fail(s, below);
    };
    const unmap = (s: Words) => {
      if (s[mapped] === 1 && s[gone] === 1) fail(s, late);
      s[mapped] = 0;
    };
    const alive = (s: Words) => {
      if (s[gone] === 1) fail(s, dead);
    };
    const down = race.actor("unregister", "io_pp_uninstall");
    const had = down.local("netdev");
    const skip = down.label();
    down.lock(rtnl, "netdev lock");
    down.if("mp_params: read", (s) => s[mp] === 1, skip);
    down.lock(ppLock, "pp_lock");
    const takeNetdev = (s: Words, into: number) => {
      s[into] = s[netdev]!;
      s[netdev] = 0;
      return s[into] === 1;
    };
    const taken = down.label();
    down.if("ifq.netdev: take", (s) => takeNetdev(s, had), taken);
    down.do("netdev.refs: put", put);
    down.at(taken);
    down.unlock(ppLock, "pp_lock");
    if (regress !== "F3") down.do("area.is_mapped: unmap", unmap);
    down.do("mp_params: clear", (s) => void (s[mp] = 0));
    down.at(skip);
    down.unlock(rtnl, "netdev lock");
    down.wait(
      "netdev.refs: wait for 0",
      (s) => s[refs] === 0,
      (s) => {
        s[gone] = 1;
        if (s[mapped] === 1 && regress !== "F3") fail(s, left);
      },
    );
    const close = race.actor("close", "io_close_queue");
    const mine = close.local("netdev");
    const free = close.label();
    const nested = regress === "nested-lock";
    const early = regress === "no-device-ref";
    close.lock(ppLock, "pp_lock");
    const onward = (s: Words) => (s[mine] === 0 ? free : undefined);
    close.go("ifq.netdev: take", (s) => {
      takeNetdev(s, mine);
      return nested ? onward(s) : undefined;
    });
    if (!nested) {
      close.go("pp_lock: unlock", (s) => {
        s[ppLock] = 0;
        return onward(s);
      });
    }
    if (early) close.do("netdev.refs: put", put);
    close.lock(rtnl, "netdev lock", alive);
    close.do("mp_params: clear", (s) => {
      alive(s);
      s[mp] = 0;
    });
    if (regress !== "F3") close.do("area.is_mapped: unmap", unmap);
    close.unlock(rtnl, "netdev lock", alive);
    if (!early) close.do("netdev.refs: put", put);
    close.at(free);
    if (nested) close.unlock(ppLock, "pp_lock");
    close.do("area.is_mapped: io_zcrx_ifq_free", unmap);
  },
};

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
    const rtnl = race.shared("netdev.lock", 0);
    const lock = race.shared("binding.lock", 0);
    const dev = race.shared("binding.dev", 1);
    const bound = race.sharedArray("binding.bound_rxqs", size, 1);
    const devRefs = race.shared("netdev.refs", 1);
    const refs = race.shared("binding.refs", 1 + size);
    const gone = race.ghost("device freed", 0);
    const freed = race.ghost("binding freed", 0);
    const what = "unbind after uninstall (P-U-S)";
    const dead = race.rule(54, "the netlink close works on a device that was freed", "none", what);
    const leak = race.rule(54, "the binding is never freed", "none", what);
    const alive = (s: Words) => {
      if (s[gone] === 1) fail(s, dead);
    };
    const putBinding = (s: Words) => {
      if (--s[refs]! === 0) s[freed] = 1;
    };
    const poolGone = race.sharedArray("pool destroyed", size, 0);
    const down = race.actor("unregister", "mp_dmabuf_devmem_uninstall");
    down.lock(rtnl, "netdev lock");
    for (let i = 0; i < size; i++) {
      const not = down.label();
      down.if("pool: destroy", (s) => s[poolGone + i] === 0 && (s[poolGone + i] = 1) === 1, not);
      down.do("binding.refs: pool's put", putBinding);
      down.at(not);
    }
    if (regress !== "F15") {
      for (let i = 0; i < size; i++) {
        down.do("bound_rxqs: erase", (s) => void (s[bound + i] = 0));
      }
      down.lock(lock, "binding.lock");
      down.do("binding.dev: NULL", (s) => void (s[dev] = 0));
      down.unlock(lock, "binding.lock");
    }
    down.unlock(rtnl, "netdev lock");
    down.do("netdev.refs: put", (s) => void s[devRefs]!--);
    down.wait("netdev.refs: wait for 0", (s) => s[devRefs] === 0, (s) => void (s[gone] = 1));
    const nl = race.actor("netlink", "netdev_nl_sock_priv_destroy");
    const has = nl.local("dev");
    const none = nl.label();
    const end = nl.label();
    const held = regress !== "no-device-ref";
    nl.lock(lock, "binding.lock");
    nl.if("binding.dev: read", (s) => (s[has] = s[dev]!) === 1, none);
    if (held) {
      nl.do("netdev.refs: hold", (s) => {
        alive(s);
        s[devRefs]!++;
      });
    }
    nl.unlock(lock, "binding.lock");
    nl.lock(rtnl, "netdev lock", alive);
    for (let i = 0; i < size; i++) {
      const not = nl.label();
      nl.if("bound_rxqs: read", (s) => s[bound + i] === 1, not);
      nl.do("bound_rxqs: erase", (s) => void (s[bound + i] = 0));
      // netif_mp_close_rxq: the restart destroys the pool on the provider.
      nl.if("pool: destroy", (s) => {
        alive(s);
        return s[poolGone + i] === 0 && (s[poolGone + i] = 1) === 1;
      }, not);
      nl.do("binding.refs: pool's put", putBinding);
      nl.at(not);
    }
    nl.unlock(rtnl, "netdev lock", alive, held ? undefined : end);
    if (held) nl.do("netdev.refs: put", (s) => void s[devRefs]!--, end);
    nl.at(none);
    nl.unlock(lock, "binding.lock");
    nl.at(end);
    nl.do("binding.refs: unbind puts", putBinding);
    race.atEnd((s) => (s[freed] === 1 ? 0 : leak));
  },
};

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
    const publish = () => bind.do("bindings: xa_alloc_cyclic", (s) => void (s[id] = 1));
    bind.do("binding.ref: 1", (s) => void (s[refs] = 1));
    if (regress === "F26") publish();
    bind.do("binding.vec: fill", (s) => void (s[niovs] = 1));
    if (regress !== "F26") publish();
    bind.do("priv.bindings: list_add", (s) => void (s[listed] = 1));
    bind.do("bindings: xa_erase", (s) => void (s[id] = 0));
    if (regress !== "no-rcu-wait") {
      for (let i = 0; i < size; i++) {
        bind.do("rcu: synchronize_net begins", (s) => void (s[grace + i] = s[reader + i]!));
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
      lookup.do("rcu: read_lock", (s) => void (s[reader + i] = 1));
      lookup.if("bindings: xa_load", (s) => s[id] === 1, none);
      lookup.if("binding.ref: inc_not_zero", (s) => {
        if (s[freed] === 1) fail(s, dead);
        return s[refs]! > 0 && s[refs]!++ > 0;
      }, none);
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
