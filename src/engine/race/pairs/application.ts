import { type ActorBuilder, fail, type Label, type Words } from "../model.js";
import type { RacePair } from "../pair.js";
import { IN_APP, IN_RING, IN_STACK, unref } from "./common.js";

/**
 * Two threads of an application that give the same tokens back (sock_devmem_dontneed) and a close
 * of the socket: each token is erased once, under xa_lock; destroy (tcp_release_user_frags) runs
 * with the last reference on the file.
 */
export const DONTNEED_CLOSE: RacePair = {
  id: "dontneed-close",
  title: "SO_DEVMEM_DONTNEED vs socket close",
  regressions: [
    { id: "F29", title: "a token is looked up, put, and erased afterwards" },
    { id: "no-file-ref", title: "setsockopt does not hold the file" },
  ],
  build: (race, size, regress) => {
    const file = race.shared("file.f_count", 1);
    const lock = race.shared("sk_user_frags.xa_lock", 0);
    const token = race.sharedArray("sk_user_frags", size, 1);
    const ring = race.shared("pool.ring", 0);
    const owner = race.ghostArray("owner", size, IN_APP);
    const dead = race.ghost("socket destroyed", 0);
    const what = "D4 SO_DEVMEM_DONTNEED";
    const twice = race.rule(2, "a netmem is put twice: inflight falls below 0", "poolRing", what);
    const gone = race.rule(13, "tokens are erased on a socket that was destroyed", "none", what);
    const left = race.rule(11, "a token outlives its socket", "app", "D5 socket destroy");
    const put = (a: ActorBuilder, i: number) =>
      a.do("ring: napi_pp_put_page", (s) => {
        if (s[owner + i] !== IN_APP) fail(s, twice);
        s[owner + i] = IN_RING;
        s[ring]!++;
      });
    const alive = (s: Words) => {
      if (s[dead] === 1) fail(s, gone);
    };
    const destroy = (a: ActorBuilder) => {
      for (let i = 0; i < size; i++) {
        const none = a.label();
        a.if("sk_user_frags: xa_for_each", (s) => s[token + i] === 1, none);
        put(a, i);
        a.at(none);
      }
      for (let i = 0; i < size; i++) {
        a.do("sk_user_frags: xa_destroy", (s) => {
          s[token + i] = 0;
          s[dead] = 1;
        });
      }
    };
    const drop = (a: ActorBuilder, end: Label) => {
      a.if("file.f_count: dec_and_test", (s) => --s[file]! === 0, end);
      destroy(a);
    };
    for (let t = 0; t < 2; t++) {
      const a = race.actor(`dontneed${t}`, "sock_devmem_dontneed");
      const end = a.label();
      const held = regress !== "no-file-ref";
      if (held) a.if("file.f_count: inc_not_zero", (s) => s[file]! > 0 && s[file]!++ > 0, end);
      else a.if("file.f_count: read", (s) => s[file]! > 0, end);
      for (let i = 0; i < size; i++) {
        const none = a.label();
        if (regress === "F29") {
          a.if("sk_user_frags: xa_load", (s) => s[token + i] === 1, none);
          put(a, i);
          a.set("sk_user_frags: xa_erase", token + i, () => 0);
        } else {
          eraseLocked(a, { lock, token: token + i, none, alive });
          put(a, i);
        }
        a.at(none);
      }
      if (held) drop(a, end);
      a.at(end);
    }
    const close = race.actor("close", "tcp_v4_destroy_sock");
    const end = close.label();
    drop(close, end);
    close.at(end);
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[owner + i] === IN_APP) return left;
      return 0;
    });
  },
};

/** Erases one token under xa_lock; goes on at `none` if it was not there. */
function eraseLocked(
  a: ActorBuilder,
  at: {
    readonly lock: number;
    readonly token: number;
    readonly none: Label;
    readonly alive: (s: Words) => void;
  },
): void {
  const had = a.local(`had${at.token}`);
  a.lock(at.lock, "xa_lock", at.alive);
  a.do("sk_user_frags: __xa_erase", (s) => {
    at.alive(s);
    s[had] = s[at.token]!;
    s[at.token] = 0;
  });
  a.go("xa_lock: unlock", (s) => {
    s[at.lock] = 0;
    return s[had] === 1 ? undefined : at.none;
  });
}

/**
 * One thread gives tokens back while another receives and gets the lowest free ones. An application
 * that gives a token back twice (F32) may take away what the other thread has just got.
 */
export const DONTNEED_RECV: RacePair = {
  id: "dontneed-recv",
  title: "tokens given back vs tokens issued",
  regressions: [{ id: "F32", title: "the application gives a token back twice" }],
  build: (race, size, regress) => {
    const tokens = size + 1;
    // Netmems 1 to size have tokens 1 to size at the start; the reader gets netmem size + 1.
    const token = race.sharedArray("sk_user_frags", tokens, (i) => (i < size ? i + 1 : 0));
    const held = (i: number) => (i > 0 && i <= size ? IN_APP : IN_STACK);
    const owner = race.ghostArray("owner", size + 2, held);
    const lost = race.rule(
      "F32",
      "a buffer is recycled while the application reads it",
      "app",
      "D4 SO_DEVMEM_DONTNEED of a token that was issued again",
    );
    const lock = race.shared("sk_user_frags.xa_lock", 0);
    const give = race.actor("give", "sock_devmem_dontneed");
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < (regress === "F32" ? 2 : 1); k++) {
        give.lock(lock, "xa_lock");
        give.do("sk_user_frags: __xa_erase", (s) => {
          const netmem = s[token + i]!;
          s[token + i] = 0;
          if (netmem > 0) s[owner + netmem] = IN_RING;
        });
        give.unlock(lock, "xa_lock");
      }
    }
    const recv = race.actor("recv", "tcp_recvmsg_dmabuf");
    const mine = size + 1;
    const issued = recv.label();
    recv.lock(lock, "xa_lock");
    for (let i = 0; i < tokens; i++) {
      recv.go("sk_user_frags: __xa_alloc", (s) => {
        if (s[token + i] !== 0) return undefined;
        s[token + i] = mine;
        s[owner + mine] = IN_APP;
        return issued;
      });
    }
    recv.at(issued);
    recv.unlock(lock, "xa_lock");
    recv.do("buffer: the application reads", (s) => {
      if (s[owner + mine] !== IN_APP) fail(s, lost);
    });
  },
};

/**
 * io_zcrx_queue_cqe into a completion queue of one place less than there are frags, against the
 * application that reaps: a frag is consumed only with its completion.
 */
export const RECV_REAP: RacePair = {
  id: "recv-reap",
  title: "completions posted vs reaped",
  regressions: [{ id: "F37", title: "bytes are consumed although the queue is full" }],
  build: (race, size, regress) => {
    const frags = Math.max(2, size);
    const places = frags - 1;
    const tail = race.shared("cq.tail", 0);
    const head = race.shared("cq.head", 0);
    const consumed = race.shared("copied_seq", 0);
    const ppRef = race.sharedArray("pp_ref_count", frags, 1);
    const owner = race.ghostArray("owner", frags, IN_STACK);
    const what = "Z2 user ref taken by RECV_ZC, completion queue full";
    const below = race.rule(7, "pp_ref_count falls below 0", "stack", what);
    const lost = race.rule("F37", "bytes are consumed that no completion tells of", "stack", what);
    const recv = race.actor("recv", "io_zcrx_recv_frag");
    const end = recv.label();
    const seen = recv.local("head");
    for (let i = 0; i < frags; i++) {
      const eaten = recv.label();
      if (regress === "F37") recv.do("copied_seq: advance", (s) => void s[consumed]!++);
      recv.set("cq.head: load-acquire", seen, (s) => s[head]!);
      recv.if("cq.tail: place", (s) => s[tail]! - s[seen]! < places && ++s[tail]! > 0, end);
      recv.do("pp_ref_count: inc", (s) => {
        s[ppRef + i]!++;
        s[owner + i] = IN_APP;
      });
      if (regress !== "F37") recv.do("copied_seq: advance", (s) => void s[consumed]!++);
      unref(recv, ppRef + i, () => 1, { notLast: eaten, constant: true, below });
      recv.at(eaten);
    }
    recv.at(end);
    const app = race.actor("app", "io_uring_peek_cqe");
    const at = app.local("tail");
    for (let i = 0; i < frags; i++) {
      const none = app.label();
      app.go("cq.tail: load-acquire", (s) => {
        s[at] = s[tail]!;
        return s[at]! > i ? undefined : none;
      });
      app.do("cq.head: store-release", (s) => void s[head]!++);
      app.at(none);
    }
    race.atEnd((s) => (s[consumed] === s[tail] ? 0 : lost));
  },
};

/**
 * A packet tap that frees its clone against skb_try_coalesce, which moves the frags of the cloned
 * skb to another one (1effe8ca4e34): it takes a reference of the pool's kind for each.
 */
export const CLONE_COALESCE: RacePair = {
  id: "clone-coalesce",
  title: "packet tap frees its clone vs coalescing",
  regressions: [{ id: "F22", title: "coalescing takes page references for a cloned pp skb" }],
  build: (race, size, regress) => {
    const dataref = race.shared("shinfo.dataref", 2);
    const ppRef = race.sharedArray("pp_ref_count", size, 1);
    const pageRef = race.sharedArray("page._refcount", size, 1);
    const owner = race.ghostArray("owner", size, IN_STACK);
    const what = "T5 skb frag reference taken, by coalescing";
    const below = race.rule(7, "pp_ref_count falls below 0", "stack", what);
    const twice = race.rule(22, "a frag's page is freed twice", "stack", what);
    const leak = race.rule(51, "a frag's page is never given back", "stack", what);
    const putFrags = (a: ActorBuilder) => {
      for (let i = 0; i < size; i++) {
        const next = a.label();
        unref(a, ppRef + i, () => 1, { notLast: next, constant: true, below });
        a.do("page._refcount: napi_pp_put_page", (s) => {
          if (s[owner + i] !== IN_STACK) fail(s, twice);
          s[owner + i] = IN_RING;
          if (s[pageRef + i] !== 1) s[pageRef + i]!--;
        });
        a.at(next);
      }
    };
    const dropSkb = (a: ActorBuilder) => {
      const held = a.label();
      a.if("dataref: dec_and_test", (s) => --s[dataref]! === 0, held);
      putFrags(a);
      a.at(held);
    };
    dropSkb(race.actor("tap", "kfree_skb"));
    const tcp = race.actor("tcp", "skb_try_coalesce");
    const alone = tcp.label();
    const cloned = tcp.local("cloned");
    tcp.go("dataref: skb_cloned", (s) => {
      s[cloned] = s[dataref]! > 1 ? 1 : 0;
      return s[cloned] === 1 ? undefined : alone;
    });
    for (let i = 0; i < size; i++) {
      const word = regress === "F22" ? pageRef + i : ppRef + i;
      const name = regress === "F22" ? "page._refcount: inc" : "pp_ref_count: inc";
      tcp.do(name, (s) => void s[word]!++);
    }
    // `from` goes: its frags stay with the clone, or have moved and are no more its own.
    dropSkb(tcp);
    tcp.at(alone);
    // The coalesced skb is read and freed.
    putFrags(tcp);
    race.atEnd((s) => {
      for (let i = 0; i < size; i++) if (s[owner + i] !== IN_RING) return leak;
      return 0;
    });
  },
};
