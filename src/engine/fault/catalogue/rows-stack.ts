import { xmit } from "../../driver/xmit.js";
import { InvariantViolation } from "../../ledger/invariant.js";
import { NM_PP_REF, NM_SKB, NM_WORDS } from "../../netmem/netmem-table.js";
import { SKB } from "../../netmem/state.js";
import { DROP_REASONS } from "../../probe/drop-reasons.js";
import {
  SK_FLAGS,
  SK_WORDS,
  SKF_PP_RECYCLE,
  SKF_SHARED_FRAG,
  SKF_UNREADABLE,
} from "../../skb/skb-slab.js";
import { intercept } from "../intercept.js";
import { talk } from "./frames.js";
import type { Scenario } from "./scenario.js";
import { SkbClones } from "./skb-clones.js";
import { StagedGro } from "./staged-gro.js";

const UNREADABLE = DROP_REASONS.indexOf("SKB_UNREADABLE");
const PROTO_MEM = DROP_REASONS.indexOf("PROTO_MEM");
const STACK = { owner: "stack", transition: "T4 driver to skb" };
/** Skbs that are forwarded. */
const FORWARDED = 3;

const F20: Scenario = {
  id: "F20",
  title: "an unreadable skb is sent",
  source: "f3600c867c99 (March 2025)",
  invariant: "no CPU and no other NIC reads unreadable payload",
  on: "capture",
  staged: "skbs with device memory are forwarded to a device without netmem_tx",
  promised: "each is dropped: SKB_UNREADABLE",
  broken: "validate_xmit_skb lets them pass",
  blame: STACK,
  run(s) {
    const staged = s.path("devmem");
    const { slab, tcp, drops } = staged.path;
    const device = { netmemTx: false, regress: s.profile.regress };
    let forwarded = 0;
    intercept(tcp, "receive", (receive, skb) => {
      const unreadable = (slab.skbs[skb * SK_WORDS + SK_FLAGS]! & SKF_UNREADABLE) !== 0;
      if (!unreadable || forwarded === FORWARDED) receive(skb);
      else {
        forwarded++;
        xmit(slab, skb, device, drops);
      }
    });
    staged.play().rest();
    s.promise("dropped as unreadable", drops.values[UNREADABLE], forwarded);
  },
};

const F22: Scenario = {
  id: "F22",
  title: "frags of a cloned skb are moved to another",
  source: "1effe8ca4e34 (5.18)",
  invariant: "each frag reference has one owner",
  on: "capture",
  staged: "a packet tap clones what passes; the receive queue coalesces; the tap lets go",
  promised: "cloned skbs are not coalesced",
  broken: "tcp_try_coalesce does not ask for clones",
  blame: STACK,
  run(s) {
    const staged = s.path("page", { readDelayNs: 5e6 });
    const tap = new SkbClones(staged.path);
    staged.play().rest(20);
    tap.release();
  },
};

const F23: Scenario = {
  id: "F23",
  title: "GRO joins an skb of a pool and one of ordinary pages",
  source: "January 2023",
  invariant: "pp_recycle is the same for all of an skb",
  on: "parts",
  staged: "a segment in a pool's page, the next one copied to an ordinary page",
  promised: "two skbs",
  broken: "GRO does not compare pp_recycle",
  blame: STACK,
  run(s) {
    const p = s.parts("page", 128);
    const pool = p.pool(null, { flags: 3 });
    const gro = new StagedGro(p);
    const recycled = p.received(pool);
    const plain = p.pages.take(0);
    p.table.words[plain * NM_WORDS + NM_PP_REF] = 1;
    p.table.words[plain * NM_WORDS + NM_SKB] = 1;
    gro.segment(recycled, SKF_PP_RECYCLE);
    gro.segment(plain, 0);
    gro.flush();
    for (const skb of gro.out) {
      if ((gro.flags(skb) & SKF_PP_RECYCLE) !== 0) gro.slab.free(skb);
      else for (const n of gro.netmems(skb)) p.putPage(n);
    }
    s.promise("skbs", gro.out.length, 2);
    p.pools.destroy(pool);
    p.retry();
  },
};

const F24: Scenario = {
  id: "F24",
  title: "GRO joins frags that others share",
  source: "CVE-2026-46300",
  invariant: "shared frags are never merged",
  on: "parts",
  staged: "a segment, and the next one with SKBFL_SHARED_FRAG",
  promised: "two skbs, the second with its flag",
  broken: "GRO does not look at the flag",
  blame: STACK,
  run(s) {
    const p = s.parts("page", 128);
    const pool = p.pool(null, { flags: 3 });
    const gro = new StagedGro(p);
    const shared = p.received(pool);
    gro.segment(p.received(pool), SKF_PP_RECYCLE);
    gro.segment(shared, SKF_PP_RECYCLE | SKF_SHARED_FRAG);
    gro.flush();
    for (const skb of gro.out) {
      const holds = gro.netmems(skb).includes(shared);
      if (holds && (gro.flags(skb) & SKF_SHARED_FRAG) === 0) {
        const message = "a shared frag lies in an skb that is not marked";
        throw new InvariantViolation("shared-frag", message, shared);
      }
    }
    s.promise("skbs", gro.out.length, 2, shared);
    for (const skb of gro.out) gro.slab.free(skb);
    p.pools.destroy(pool);
    p.retry();
  },
};

const F28: Scenario = {
  id: "F28",
  title: "a pool cannot go: an skb is stuck in a socket",
  source: "LibreQoS issue 551: 4032 in flight for 26825 s",
  invariant: "inflight reaches 0 once all owners have let go",
  on: "capture",
  staged: "an application that never reads; the NIC goes, then the sockets",
  promised: "the pools are freed when the sockets are destroyed",
  broken: "a stack that loses an skb when a socket is closed",
  blame: STACK,
  run(s) {
    const staged = s.path("devmem");
    staged.app.hang(Number.POSITIVE_INFINITY);
    staged.play().rest();
    staged.path.lifecycle.linkDown();
    staged.rest(3000);
    s.promise("the pool waits for the sockets", staged.path.pools.zombies.length > 0, true);
  },
};

const F31: Scenario = {
  id: "F31",
  title: "the receive buffer refuses data that is inside the window",
  source: "1d2fbaad7cd8, relaxed on 27 February 2026",
  invariant: "in-window data is accepted while rmem_alloc <= rcvbuf",
  on: "path",
  staged: "58 kB unread, then one segment of 60 kB, both inside a window of 64 kB twice",
  promised: "PROTO_MEM drops nothing",
  broken: "rmem_alloc + truesize must fit the buffer",
  blame: STACK,
  run(s) {
    const segments = [...Array<number>(40).fill(1448), 60_000];
    const staged = s.path("devmem", { readDelayNs: 60e9 }, talk({ segments }));
    staged.play().rest();
    const held = staged.inState(SKB)[0] ?? -1;
    s.promise("segments refused", staged.path.drops.values[PROTO_MEM], 0, held);
  },
};

const F40: Scenario = {
  id: "F40",
  title: "tcp_collapse copies unreadable payload",
  source: "the unreadable-skb series (6.12)",
  invariant: "unreadable payload is never copied",
  on: "path",
  staged: "segments of 10 bytes fill a receive buffer of 4 KiB; nobody reads",
  promised: "skbs with device memory are skipped",
  broken: "collapse does not look at the flag",
  blame: STACK,
  run(s) {
    const frames = talk({ segments: Array<number>(60).fill(10) });
    const options = { readDelayNs: 60e9, rcvbuf: 4096 };
    const staged = s.path("devmem", options, frames);
    staged.play().rest();
    const called = staged.path.tcp.mib.nonZero().PruneCalled ?? 0;
    s.promise("tcp_prune_queue was called", called > 0, true);
  },
};

/** The rows about skbs, GRO and TCP. */
export const STACK_ROWS: readonly Scenario[] = [F20, F22, F23, F24, F28, F31, F40];
