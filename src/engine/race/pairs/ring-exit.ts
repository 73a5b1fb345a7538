import { fail, type Words } from "../model.js";
import type { RacePair } from "../pair.js";

/**
 * io_uring exit with a RECV_ZC in flight against the next process, which registers on the same
 * queue as soon as the first one's close returned (fda90d43f4fa).
 */
export const EXIT_REGISTER: RacePair = {
  id: "exit-register",
  title: "ring exit vs the next registration",
  regressions: [{ id: "F7", title: "the queue is closed after the requests have ended" }],
  build: (race, size, regress) => {
    const lock = race.shared("netdev.lock", 0);
    const mp = race.shared("rxq.mp_params", 1);
    const requests = race.shared("ctx.requests", size);
    const returned = race.ghost("close(2) returned", 0);
    const busy = race.rule(
      52,
      "the queue of a terminated instance answers -EEXIST",
      "driver",
      "io_terminate_zcrx closes the queue",
    );
    const close = race.actor("exit", "io_terminate_zcrx");
    const closeQueue = () => {
      close.lock(lock, "netdev lock");
      close.do("mp_params: clear", (s) => {
        if (s[mp] === 1) s[mp] = 0;
      });
      close.unlock(lock, "netdev lock");
    };
    if (regress !== "F7") closeQueue();
    close.set("close: returns to the process", returned, () => 1);
    close.wait("ctx.requests: wait for 0", (s) => s[requests] === 0);
    if (regress === "F7") closeQueue();
    const recv = race.actor("requests", "io_recvzc");
    for (let i = 0; i < size; i++) {
      recv.do("ctx.requests: cancelled", (s) => void s[requests]!--);
    }
    const next = race.actor("next", "io_register_zcrx_ifq");
    next.wait("close: has returned", (s) => s[returned] === 1);
    next.lock(lock, "netdev lock");
    next.do("mp_params: read", (s) => {
      if (s[mp] !== 0) fail(s, busy);
    });
    next.set("mp_params: install", mp, () => 2);
    next.unlock(lock, "netdev lock");
  },
};

/**
 * Two ways to terminate one instance at once (ring exit, the last exported descriptor): a mark in
 * the xarray says that it was done; `user_refs` says who closes the queue.
 */
export const TERMINATE_TWICE: RacePair = {
  id: "terminate-twice",
  title: "terminate vs terminate",
  regressions: [{ id: "F8", title: "one mark is tested and another one set" }],
  build: (race, size, regress) => {
    const lock = race.shared("ctx.zcrx_ctxs lock", 0);
    const mark = race.shared("ZCRX_MARK_TERMINATED", 0);
    const other = race.shared("ZCRX_MARK_0", 0);
    const users = race.shared("ifq.user_refs", 1);
    const closed = race.shared("queue", 0);
    const what = "io_terminate_zcrx";
    const below = race.rule(52, "user_refs falls below 0", "none", what);
    const twice = race.rule(52, "a queue is closed twice", "driver", what);
    const open = race.rule(52, "the queue is never closed", "driver", what);
    for (let i = 0; i <= size; i++) {
      const a = race.actor(`exit${i}`, "io_terminate_zcrx");
      const marked = a.label();
      const end = a.label();
      a.lock(lock, "zcrx_ctxs lock");
      a.if("mark: xa_get_mark", (s) => s[mark] === 0, marked);
      a.set("mark: xa_set_mark", regress === "F8" ? other : mark, () => 1);
      a.unlock(lock, "zcrx_ctxs lock");
      const drop = (s: Words) => {
        if (--s[users]! < 0) fail(s, below);
        return s[users] === 0;
      };
      a.if("user_refs: dec_and_test", drop, end);
      const close = (s: Words) => {
        if (s[closed] === 1) fail(s, twice);
        s[closed] = 1;
      };
      a.do("queue: close", close, end);
      a.at(marked);
      a.unlock(lock, "zcrx_ctxs lock");
      a.at(end);
    }
    race.atEnd((s) => (s[closed] === 1 ? 0 : open));
  },
};
