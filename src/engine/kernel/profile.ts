/**
 * The rules that changed between kernel versions. Sources: the switches named in each comment;
 * the newest column is the default.
 */
export interface KernelProfile {
  readonly name: string;
  /** Whether the vintage has the zcrx provider (6.15 on). */
  readonly hasZcrx: boolean;
  /**
   * The ops of the 2024 thread: `scrub`, called by page_pool_scrub on each try to release a pool,
   * and no `uninstall`. Merged kernels have it the other way round.
   */
  readonly providerScrub: boolean;
  /**
   * io_zcrx_put_niov_uref: true for a cmpxchg loop that never goes below 0; false for a read and
   * then a decrement, between which a scrub on another CPU can take the reference (CVE-2026-43121).
   */
  readonly zcrxUrefAtomic: boolean;
  /** `scrub-close` (6.18), `close-scrub` (7.0), `terminate-unregister` (7.1). */
  readonly zcrxTeardown: "scrub-close" | "close-scrub" | "terminate-unregister";
  /**
   * zcrx drops the user references of an instance when its ring goes (v9 of the series, Dec 2024,
   * to today); the thread's vintage left that to the `scrub` op.
   */
  readonly zcrxExitScrub: boolean;
  /** Consecutive RQEs of one niov merged into one decrement (newest), or one by one. */
  readonly zcrxRefillMerge: boolean;
  /** zcrx area mapped when created, or at pool init. */
  readonly zcrxMapAtArea: boolean;
  /** Areas that one zcrx instance may have (ZCRX_MAX_AREAS). */
  readonly zcrxAreas: number;
  /**
   * A devmem binding's reference: `refcount` frees it within the last put, `percpu` (percpu_ref)
   * from a work item that runs after it.
   */
  readonly devmemBindingRef: "refcount" | "percpu";
  /** tcp_rmem[2] (commit 572be9bf9d0d). */
  readonly rmemMaxBytes: number;
  /**
   * tcp_can_ingest: `loose` rmem_alloc <= rcvbuf; `len` rmem_alloc + len <= rcvbuf;
   * `truesize` rmem_alloc + truesize <= rcvbuf.
   */
  readonly canIngest: "loose" | "len" | "truesize";
  /** Segments that end beyond the window are dropped unless the receive queue is empty (6.17). */
  readonly endSeqCheck: boolean;
  /** rcv_mwnd_seq: the largest right edge ever advertised bounds the sequence check (7.1). */
  readonly mwndSeq: boolean;
  /** rx_page_size per queue (7.0), else PAGE_SIZE only. */
  readonly rxPageSize: boolean;
  /** tcp_rcvbuf_low_rtt limits growth on short round trips (6.19). */
  readonly rcvbufLowRtt: boolean;
  /**
   * A row of the fault catalogue (`F12`) whose historic bug is put back (`--regress`), or empty.
   * Only slow paths look at it; where the rule stands in a hot path, a component is replaced at
   * assembly (engine/fault/regress).
   */
  readonly regress: string;
}

/** A profile with a historic bug put back. */
export function withRegression(profile: KernelProfile, regress: string): KernelProfile {
  // Two of the bugs are rules that profiles have switches for anyway.
  const switches =
    regress === "F1"
      ? { zcrxUrefAtomic: false }
      : regress === "F31"
        ? { canIngest: "truesize" as const }
        : {};
  return { ...profile, ...switches, regress };
}

const NEWEST: KernelProfile = {
  name: "7.3",
  hasZcrx: true,
  providerScrub: false,
  zcrxUrefAtomic: true,
  zcrxTeardown: "terminate-unregister",
  zcrxExitScrub: true,
  zcrxRefillMerge: true,
  zcrxMapAtArea: true,
  zcrxAreas: 1024,
  devmemBindingRef: "percpu",
  rmemMaxBytes: 33554432,
  canIngest: "loose",
  endSeqCheck: true,
  mwndSeq: true,
  rxPageSize: true,
  rcvbufLowRtt: true,
  regress: "",
};

const V7_2: KernelProfile = { ...NEWEST, name: "7.2" };
const V7_1: KernelProfile = { ...V7_2, name: "7.1", zcrxRefillMerge: false };
const V7_0: KernelProfile = {
  ...V7_1,
  name: "7.0",
  zcrxTeardown: "close-scrub",
  zcrxAreas: 1,
  canIngest: "len",
  mwndSeq: false,
};
const V6_18: KernelProfile = {
  ...V7_0,
  name: "6.18",
  zcrxUrefAtomic: false,
  zcrxTeardown: "scrub-close",
  zcrxMapAtArea: false,
  devmemBindingRef: "refcount",
  rxPageSize: false,
  rcvbufLowRtt: false,
};
const V6_12: KernelProfile = {
  ...V6_18,
  name: "6.12",
  hasZcrx: false,
  rmemMaxBytes: 6291456,
  canIngest: "loose",
  endSeqCheck: false,
};
const RFC_V6: KernelProfile = {
  ...V6_12,
  name: "rfc-v6",
  providerScrub: true,
  zcrxExitScrub: false,
};

/** The profiles that `--kernel` takes, oldest first. */
export const KERNEL_PROFILES: Readonly<Record<string, KernelProfile>> = {
  "rfc-v6": RFC_V6,
  "6.12": V6_12,
  "6.18": V6_18,
  "7.0": V7_0,
  "7.1": V7_1,
  "7.2": V7_2,
  "7.3": NEWEST,
};
