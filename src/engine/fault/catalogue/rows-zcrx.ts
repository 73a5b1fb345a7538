import { NM_PP_REF, NM_USER, NM_WORDS } from "../../netmem/netmem-table.js";
import { APP_UREF, Z2 } from "../../netmem/state.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import { ERRNO } from "../../provider/provider.js";
import type { ZcrxIfq } from "../../provider/zcrx.js";
import { ZcrxContexts } from "../../provider/zcrx-contexts.js";
import { RQE_PAD } from "../../provider/zcrx-refill-ring.js";
import { intercept } from "../intercept.js";
import type { Parts } from "./parts.js";
import type { Scenario } from "./scenario.js";

const APP = { owner: "app", transition: "Z4 RQE to alloc cache" };
const SHIFT = 12;

/** A niov of the pool that only the application holds, with `refs` user references. */
export function uref(parts: Parts, pool: PagePool, refs = 1): number {
  const n = parts.received(pool);
  for (let i = 0; i < refs; i++) parts.ledger.userGet(n, Z2);
  parts.put(n);
  return n;
}

/** The application writes a refill entry for a niov and publishes it. */
export function post(ifq: ZcrxIfq, n: number): void {
  ifq.ring.post(((n - ifq.area.first) << SHIFT) >>> 0, 0, 4096);
  ifq.ring.publish();
}

/** Empties the pool and its provider, so that the next allocation looks at the refill ring. */
function drain(parts: Parts, pool: PagePool): number[] {
  const taken: number[] = [];
  parts.napi(() => {
    for (let left = pool.cacheCount; left > 0; left--) taken.push(pool.alloc());
  });
  return taken;
}

/** The next allocation, which finds nothing but the refill ring. */
function refill(parts: Parts, pool: PagePool): number[] {
  const n = parts.napi(() => pool.alloc());
  return n < 0 ? [] : [n];
}

/** The driver gives netmems up, the ring exits, and the pool is tried again. */
function finish(parts: Parts, ifq: ZcrxIfq, pool: PagePool, driver: readonly number[]): void {
  for (const n of driver) pool.putNetmem(n);
  parts.exit(ifq, () => parts.pools.destroy(pool));
  parts.retry();
}

function users(parts: Parts, n: number): number {
  return parts.table.words[n * NM_WORDS + NM_USER]!;
}

const F1: Scenario = {
  id: "F1",
  title: "a user reference is taken twice, by scrub and by refill",
  source: "CVE-2026-43121, stable 003049b1c4fb",
  invariant: "one user reference is consumed once",
  on: "parts",
  staged: "a refill reads user_refs 1; before it decrements, scrub runs on another CPU",
  promised: "the entry is refused: 1 RQE without effect",
  broken: "io_zcrx_put_niov_uref reads, then decrements",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const n = uref(p, pool);
    const driver = drain(p, pool);
    post(ifq, n);
    ifq.race = () => {
      ifq.race = null;
      ifq.scrub();
    };
    driver.push(...refill(p, pool));
    s.promise("RQEs without effect", ifq.rejectedRqes, 1, n);
    finish(p, ifq, pool, driver);
  },
};

const F2: Scenario = {
  id: "F2",
  title: "the freelist takes a niov that is on it",
  source: "770594e78c39; oss-security, 3 May 2026",
  invariant: "free_count <= num_niovs, indices distinct",
  on: "parts",
  staged: "link down while the application holds user references, scrub; its entries come late",
  promised: "4 RQEs without effect, free_count stays at num_niovs",
  broken: "entries are not checked against user_refs, the freelist not against its size",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const held = [1, 2, 3, 4].map(() => uref(p, pool));
    p.pools.destroy(pool);
    ifq.scrub();
    p.retry();
    for (const n of held) post(ifq, n);
    ifq.flushRq();
    s.promise("RQEs without effect", ifq.rejectedRqes, 4, held[0]!);
    s.promise("free_count", ifq.freeCount, ifq.netmemCount, held[0]!);
    p.exit(ifq, () => {});
  },
};

const F3: Scenario = {
  id: "F3",
  title: "areas stay mapped for a device that is gone",
  source: "f12ecf5e1c5e (6.15)",
  invariant: "no DMA mapping outlives uninstall",
  on: "parts",
  staged: "the device is unregistered with niovs in the application",
  promised: "no area is mapped after uninstall",
  broken: "uninstall leaves the areas mapped until the instance is freed",
  blame: { owner: "provider", transition: "io_pp_uninstall" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    uref(p, pool);
    p.pools.destroy(pool);
    ifq.uninstall(0);
    s.promise("areas mapped after uninstall", ifq.areas.mapped, false);
    p.exit(ifq, () => {});
    p.retry();
  },
};

const F7: Scenario = {
  id: "F7",
  title: "ring exit keeps the queue until its last request is done",
  source: "fda90d43f4fa; liburing issue 1550",
  invariant: "terminate gives the queue up at once",
  on: "parts",
  staged: "a ring exits with a RECV_ZC pending; another registers on the queue",
  promised: "the second registration answers 0, not -EEXIST",
  broken: "the queue is closed with the last request",
  blame: { owner: "provider", transition: "io_terminate_zcrx" },
  run(s) {
    const p = s.parts("zcrx", 16);
    let open: ZcrxIfq | null = null;
    const take = (ifq: ZcrxIfq) => {
      if (open !== null) return -ERRNO.EEXIST;
      open = ifq;
      return 0;
    };
    const first = p.register(take, {}, { first: 0, niovs: 8 }) as ZcrxIfq;
    const pool = p.pool(first);
    first.terminate(() => {
      open = null;
      p.pools.destroy(pool);
    });
    const second = p.register(take, {}, { first: 8, niovs: 8 });
    s.promise("errno of the next registration", typeof second === "number" ? second : 0, 0);
    first.unregister();
    p.exit(second as ZcrxIfq, () => {});
    p.retry();
  },
};

const F8: Scenario = {
  id: "F8",
  title: "an instance is terminated twice",
  source: "the xarray mark of terminated instances (list archive)",
  invariant: "terminate and unregister run once each",
  on: "parts",
  staged: "ring exit looks for instances to terminate twice before its requests are done",
  promised: "the second look finds none",
  broken: "the mark of a terminated instance is set elsewhere",
  blame: { owner: "provider", transition: "io_terminate_zcrx" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ring = new ZcrxContexts();
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    ring.add(ifq, () => p.pools.destroy(pool));
    ring.terminateAll(s.profile.regress);
    ring.terminateAll(s.profile.regress);
    ring.unregisterAll();
    p.retry();
  },
};

const F9: Scenario = {
  id: "F9",
  title: "the region is uncharged from a user_struct that was freed",
  source: "0fcccfd87152",
  invariant: "the accounting object outlives what is charged to it",
  on: "parts",
  staged: "an instance is freed; the order of what it gives up is looked at",
  promised: "areas, mm, device, region, then user_struct",
  broken: "user_struct goes first",
  blame: { owner: "provider", transition: "io_zcrx_ifq_free" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    p.exit(ifq, () => {});
    s.promise("order of the free", ifq.freeOrder.join(" "), "areas mm device region user");
  },
};

const F10: Scenario = {
  id: "F10",
  title: "pinned pages leak when an area cannot be imported",
  source: "0ae91d8ab709 (6.19)",
  invariant: "a failed registration leaves no page pinned",
  on: "parts",
  staged: "sg_alloc_table_from_pages fails while an area is imported",
  promised: "-ENOMEM, 0 pages pinned",
  broken: "the page array is forgotten on this error",
  blame: { owner: "provider", transition: "io_import_umem" },
  run(s) {
    const p = s.parts("zcrx", 8);
    p.pins.sgAllocFails = true;
    s.promise("errno", p.register(), -ERRNO.ENOMEM);
    s.promise("pages pinned", p.pins.pages, 0);
  },
};

const F11: Scenario = {
  id: "F11",
  title: "two consumers of the refill ring at a time",
  source: "af07330e28ad (6.19)",
  invariant: "one consumer of the ring at a time; head never passes tail",
  on: "parts",
  staged: "FLUSH_RQ runs between a refill's read of the head and its store",
  promised: "the flush waits: one of two user references is left, head is at the tail",
  broken: "FLUSH_RQ does not take rq_lock",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const n = uref(p, pool, 2);
    const driver = drain(p, pool);
    post(ifq, n);
    let raced = false;
    intercept(ifq.ring, "take", (take) => {
      if (raced) return take();
      raced = true;
      const entry = ifq.ring.peek(0);
      ifq.flushRq();
      take();
      return entry;
    });
    driver.push(...refill(p, pool));
    s.promise("user references left", users(p, n), 1, n);
    s.promise("head beyond tail", ifq.ring.passed, false, n);
    finish(p, ifq, pool, driver);
  },
};

const F12: Scenario = {
  id: "F12",
  title: "a refill ring starts with what its memory held",
  source: "4f02cc4071a1 (April 2026)",
  invariant: "head == tail == 0 at the start",
  on: "parts",
  staged: "an instance is registered over memory that was used before: tail 40, stale entries",
  promised: "the first refill finds no entry",
  broken: "the header is not cleared",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const region = new Uint32Array(16 + 64 * 4);
    region[1] = 40;
    const ifq = p.ifq({ region });
    const pool = p.pool(ifq);
    const driver = refill(p, pool);
    s.promise("entries consumed that nobody wrote", ifq.rejectedRqes, 0);
    s.promise("head beyond tail", ifq.ring.passed, false);
    finish(p, ifq, pool, driver);
  },
};

const F14: Scenario = {
  id: "F14",
  title: "the area is kept when its queue cannot be opened",
  source: "0ec33c81d9c7 (6.16)",
  invariant: "a failed registration leaves nothing behind",
  on: "parts",
  staged: "netif_mp_open_rxq answers -EBUSY",
  promised: "-EBUSY, 0 pages pinned",
  broken: "the error path forgets the area",
  blame: { owner: "provider", transition: "io_register_zcrx" },
  run(s) {
    const p = s.parts("zcrx", 8);
    s.promise(
      "errno",
      p.register(() => -ERRNO.EBUSY),
      -ERRNO.EBUSY,
    );
    s.promise("pages pinned", p.pins.pages, 0);
  },
};

const F34: Scenario = {
  id: "F34",
  title: "a duplicate refill entry strands its niov",
  source: "merged refill entries (7.2); no kernel bug",
  invariant: "returns are monotone: what is refused changes nothing",
  on: "parts",
  staged: "two equal adjacent entries for a niov with one user reference",
  promised: "2 RQEs without effect; the niov stays with the application until the scrub",
  broken: "a model that forgets the user reference of a refused batch",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const n = uref(p, pool);
    const driver = drain(p, pool);
    post(ifq, n);
    post(ifq, n);
    driver.push(...refill(p, pool));
    s.promise("RQEs without effect", ifq.rejectedRqes, 2, n);
    finish(p, ifq, pool, driver);
  },
};

const F35: Scenario = {
  id: "F35",
  title: "malformed refill entries",
  source: "io_parse_rqe; no kernel bug",
  invariant: "malformed input changes no count",
  on: "parts",
  staged: "entries with an area, a niov and a pad out of range, while a niov is held",
  promised: "3 RQEs without effect, the user reference stays",
  broken: "a model that takes any index for one of the area's",
  blame: APP,
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const n = uref(p, pool);
    const driver = drain(p, pool);
    const { ring, netmemCount } = ifq;
    ring.post(0, 1 << 16, 4096);
    ring.post((n + netmemCount) << SHIFT, 0, 4096);
    ring.words[ring.wordOf(ring.post(n << SHIFT, 0, 4096)) + RQE_PAD] = 1;
    ring.publish();
    driver.push(...refill(p, pool));
    s.promise("RQEs without effect", ifq.rejectedRqes, 3, n);
    s.promise("references of the held niov", p.table.words[n * NM_WORDS + NM_PP_REF], 1, n);
    finish(p, ifq, pool, driver);
  },
};

const F37: Scenario = {
  id: "F37",
  title: "the completion queue overflows in the middle of an skb",
  source: "-ENOSPC of io_zcrx_recv_frag",
  invariant: "bytes consumed == bytes in completions",
  on: "capture",
  staged: "a completion queue of one entry in front of skbs with several frags",
  promised: "every byte that was consumed has a completion",
  broken: "a model that counts bytes as consumed that no completion names",
  blame: { owner: "app", transition: "Z2 user ref taken by RECV_ZC" },
  run(s) {
    const staged = s.path("zcrx", { readDelayNs: 2e6 });
    (staged.app.inner as { cqEntries?: number }).cqEntries = 1;
    staged.play().rest(100);
    const { tcp } = staged.path;
    let consumed = 0;
    for (let sock = 0; sock < tcp.sockets; sock++) consumed += tcp.streamOf(sock).bytes;
    const held = staged.inState(APP_UREF)[0] ?? -1;
    s.promise("bytes in completions", staged.app.counts.deliveredBytes, consumed, held);
  },
};

/** The rows about zcrx. */
export const ZCRX_ROWS: readonly Scenario[] = [
  F1,
  F2,
  F3,
  F7,
  F8,
  F9,
  F10,
  F11,
  F12,
  F14,
  F34,
  F35,
  F37,
];
