import { RecvmsgDevmem } from "../app/recvmsg-devmem.js";
import { ZcrxConsumer } from "../app/zcrx-consumer.js";
import type { Prng } from "../clock/prng.js";
import { holdersOf } from "../lifecycle/survivors.js";
import { NM_STATE, NM_WORDS } from "../netmem/netmem-table.js";
import { DRV_RING, SKB } from "../netmem/state.js";
import type { MemoryProvider } from "../provider/provider.js";
import type { ZcrxIfq } from "../provider/zcrx.js";
import type { ReceivePath } from "../receive-path.js";
import { counted } from "./fault-log.js";
import type { FaultyApplication } from "./faulty-application.js";
import { intercept } from "./intercept.js";
import type { FaultKind, WireKind } from "./kinds.js";
import { LIFECYCLE_ACTIONS } from "./lifecycle-actions.js";
import { type ReturnFaults, ReturnSpoiler } from "./spoil-returns.js";

/** What a fault acts on. */
export interface FaultScene {
  readonly path: ReceivePath;
  readonly app: FaultyApplication;
  readonly prng: Prng;
  /** Made by the first fault that spoils returns. */
  spoiler: ReturnSpoiler | null;
  /** Set by a fault that ends after a number of packets: true once it has ended. */
  watch: (() => boolean) | null;
}

/** Does a fault; says what came of it, or nothing. */
export type FaultAction = (scene: FaultScene, args: Readonly<Record<string, number>>) => string;

const NOT_HERE = "no effect: this application owns no netmem";
const NO_TOKENS = "no effect: no tokens with this provider";
const NO_RING = "no effect: no refill ring with this provider";

/** Netmems of one page refcount field that two owners share at most (page_ref_count, 7 bits). */
const MAX_PAGE_REFS = 0x7f;

/** The zcrx instances of a path, none for other providers. */
function ifqsOf(path: ReceivePath): readonly ZcrxIfq[] {
  const { control } = path.binding;
  return control?.kind === "zcrx" ? control.all : [];
}

function spoil(scene: FaultScene, change: (faults: ReturnFaults) => void): string {
  const { path, app, prng } = scene;
  if (path.options.provider === "page") return NOT_HERE;
  const ifqs = ifqsOf(path);
  scene.spoiler ??= new ReturnSpoiler(app.inner, ifqs, prng, () => path.tcp.sockets);
  change(scene.spoiler.faults);
  return "";
}

/** A fault of tokens alone, or of refill entries alone. */
function spoilOnly(provider: "devmem" | "zcrx", name: keyof ReturnFaults): FaultAction {
  return (scene, { count }) => {
    if (scene.path.options.provider !== provider) {
      return provider === "devmem" ? NO_TOKENS : NO_RING;
    }
    return spoil(scene, (faults) => {
      faults[name] += count!;
    });
  };
}

/** Pages that the driver or the stack holds, oldest number first. */
function pagesInFlight(path: ReceivePath, count: number): number[] {
  const { table } = path;
  const found: number[] = [];
  for (let n = 0; n < table.count && found.length < count; n++) {
    const state = table.words[n * NM_WORDS + NM_STATE]!;
    if (!table.isNetIov(n) && (state === DRV_RING || state === SKB)) found.push(n);
  }
  return found;
}

/** The provider answers "nothing" for a number of calls, or for a time. */
function failAllocs({ path }: FaultScene, calls: number, forNs: number): string {
  const { control, pages } = path.binding;
  const { clock } = path;
  const untilNs = clock.toModel(clock.epochSeconds, 0) + clock.nowNs + forNs;
  const byTime = Number.isFinite(forNs);
  let left = calls;
  const fails = () => (byTime ? clock.nowNs < untilNs : left-- > 0);
  if (path.options.provider === "page") {
    intercept(pages, "take", (take, nid) => (fails() ? -1 : take(nid)));
  }
  const providers: readonly MemoryProvider[] = control?.all ?? [];
  for (const provider of providers) {
    intercept(provider, "allocNetmems", (alloc, pool) => (fails() ? -1 : alloc(pool)));
  }
  return "";
}

/** The NIC leaves TCP packets unsplit until so many were. */
function failSplits(scene: FaultScene, count: number): string {
  const { path } = scene;
  const { split } = path.nic;
  const end = path.nic.unsplit + count;
  path.nic.split = { mode: "fail", failEvery: 1 };
  scene.watch = () => {
    if (path.nic.unsplit < end) return false;
    path.nic.split = split;
    return true;
  };
  return "";
}

/**
 * What the fault `look` tells, of the model's pools and of a kernel's alike.
 *
 * @param out netmems with a token or a user reference; null where nobody can tell.
 * @param detached pools that outlived their queue, because netmems are out of them.
 */
export function lookText(out: number | null, inflight: number, detached: number): string {
  const pools = detached === 0 ? "" : `, ${detached} ${detached === 1 ? "pool" : "pools"} detached`;
  return `${out ?? "?"} netmems out, ${inflight} in flight${pools}`;
}

/** Netmems that the application holds, and those in flight in the provider's pools. */
function looked({ ledger, pools }: ReceivePath): string {
  let out = 0;
  let inflight = 0;
  let detached = 0;
  for (const pool of pools.pools) {
    if (pool === null || pool.provider === null) continue;
    out += holdersOf(ledger.counts, pool.number).app;
    inflight += pool.inflight;
    if (pool.shutdown.detachSeconds >= 0 && pool.inflight > 0) detached++;
  }
  return lookText(out, inflight, detached);
}

/** What each kind of fault does. Wire faults are the wire's (faulty-wire.ts). */
export const FAULT_ACTIONS: Readonly<Record<Exclude<FaultKind, WireKind>, FaultAction>> = {
  ...LIFECYCLE_ACTIONS,
  look: ({ path }) => looked(path),
  "app-hang": ({ app }, args) => {
    app.hang(args.for!);
    return "";
  },
  "slow-reader": ({ app }, args) => {
    app.slow(args.by!, args.for!);
    return "";
  },
  hoarder: ({ app, path }, args) => {
    app.hoard();
    if (Number.isFinite(args.for)) {
      path.lifecycle.at(path.clock.nowNs + args.for!, () => app.resume());
    }
    return app.held.length === 0 ? NOT_HERE : "";
  },
  "late-return": ({ app }, args) => {
    app.hold(args.by!);
    return app.held.length === 0 ? NOT_HERE : "";
  },
  "partial-return": (scene, args) =>
    spoil(scene, (faults) => {
      faults.every = args.every!;
    }),
  "foreign-return": spoilOnly("devmem", "foreign"),
  "duplicate-token": spoilOnly("devmem", "duplicate"),
  "bogus-token": spoilOnly("devmem", "bogus"),
  "wild-token": spoilOnly("devmem", "wild"),
  "malformed-rqe": spoilOnly("zcrx", "malformed"),
  "duplicate-rqe": spoilOnly("zcrx", "duplicate"),
  "foreign-rqe": spoilOnly("zcrx", "foreign"),
  "wild-tail": ({ path }, args) => {
    const ifqs = ifqsOf(path);
    for (const { ring } of ifqs) ring.overshoot(args.by!);
    return ifqs.length === 0 ? NO_RING : "";
  },
  "full-cq": ({ app }, args) => {
    if (!(app.inner instanceof ZcrxConsumer)) return "no effect: no completion queue";
    app.inner.cqEntries = args.entries!;
    return "";
  },
  "small-control": ({ app }, args) => {
    if (!(app.inner instanceof RecvmsgDevmem)) return NO_TOKENS;
    app.inner.controlBytes = args.bytes!;
    return "";
  },
  peek: ({ app }, args) => {
    if (!(app.inner instanceof RecvmsgDevmem)) return NO_TOKENS;
    app.inner.peeks += args.count!;
    return "";
  },
  "alloc-fail": (scene, args) => failAllocs(scene, args.count!, args.for!),
  "page-refs": ({ path }, args) => {
    const pages = pagesInFlight(path, args.count!);
    for (const n of pages) {
      if (path.table.pageRefs[n]! < MAX_PAGE_REFS) path.table.pageRefs[n]!++;
    }
    return counted(pages.length, "page");
  },
  "wrong-node": ({ path }, args) => {
    const { pages } = path.binding;
    const found = pagesInFlight(path, args.count!);
    for (const n of found) pages.node[n - pages.first] = 1;
    return counted(found.length, "page");
  },
  "split-fail": (scene, args) => failSplits(scene, args.count!),
};
