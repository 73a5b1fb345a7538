/** Where a fault acts. */
export type FaultSide = "application" | "lifecycle" | "provider" | "wire";

/** What the value of an argument is: a whole number, a time in ns, or a share in percent. */
export type FaultUnit = "count" | "time" | "percent";

/** An argument of a fault: its unit and default (counts, ns or percent). */
export interface FaultArgument {
  readonly unit: FaultUnit;
  readonly fallback: number;
  readonly help: string;
  /** Of a count: the least and the most that make sense, where not 0 and any. */
  readonly min?: number;
  readonly max?: number;
}

/** A kind of fault: what `--fault KIND@WHEN[,arg=..]` can name. */
export interface FaultKindSpec {
  readonly side: FaultSide;
  readonly help: string;
  readonly args: Readonly<Record<string, FaultArgument>>;
}

const FOREVER = Number.POSITIVE_INFINITY;

function count(fallback: number, help: string, min = 0, max?: number): FaultArgument {
  return { unit: "count", fallback, help, min, ...(max === undefined ? {} : { max }) };
}

function time(fallback: number, help: string): FaultArgument {
  return { unit: "time", fallback, help };
}

function kind<S extends FaultSide>(
  side: S,
  help: string,
  args: Readonly<Record<string, FaultArgument>> = {},
): FaultKindSpec & { readonly side: S } {
  return { side, help, args };
}

const FOR = { for: time(FOREVER, "how long it lasts") };
const QUEUE = { queue: count(0, "receive queue") };
const STREAM = { stream: count(-1, "row of the streams list; else every one") };
/** How many entries, tokens or packets a fault spoils, from its moment on. */
const SOME = { count: count(1, "how many", 1) };
const PACKETS = {
  count: count(1, "how many packets in a row", 1),
  rate: { unit: "percent", fallback: 0, help: "with @random: share of all packets" } as const,
};

/** Every kind of fault, by name. */
export const FAULT_KINDS = {
  "app-crash": kind("application", "the process dies: the kernel closes all that it had open"),
  look: kind("application", "nothing: netmems out and in flight are counted"),
  "app-hang": kind("application", "the application does nothing any more", FOR),
  "slow-reader": kind("application", "each step of the reader comes later", {
    by: time(1e6, "how much"),
    ...FOR,
  }),
  hoarder: kind("application", "nothing that was read is given back", FOR),
  "late-return": kind("application", "all is given back later", { by: time(10e6, "how much") }),
  "partial-return": kind("application", "every Nth return is kept back", {
    every: count(2, "N", 1),
  }),
  "foreign-return": kind("application", "tokens are given back through another socket", SOME),
  "duplicate-token": kind("application", "tokens are given back twice", SOME),
  "bogus-token": kind("application", "tokens that nobody has are given back too", SOME),
  "wild-token": kind("application", "a range of 2^32-1 tokens is given back too", SOME),
  "malformed-rqe": kind("application", "refill entries with a bad pad, area or niov", SOME),
  "duplicate-rqe": kind("application", "refill entries are written twice", SOME),
  "foreign-rqe": kind("application", "refill entries name niovs that others hold", SOME),
  "wild-tail": kind("application", "the refill ring's tail is set far ahead", {
    by: count(1 << 20, "entries"),
  }),
  "full-cq": kind("application", "the completion queue has room for few entries", {
    entries: count(1, "how many"),
  }),
  "small-control": kind("application", "the control buffer is too small", {
    bytes: count(60, "its size"),
  }),
  peek: kind("application", "MSG_PEEK: tokens for bytes that are not consumed", SOME),
  "socket-close": kind("lifecycle", "close() of a socket, whatever is unread", STREAM),
  "socket-rst": kind("lifecycle", "the peer's RST arrives at a socket", STREAM),
  "half-close": kind("lifecycle", "the peer's FIN arrives while tokens are out", STREAM),
  "netlink-close": kind("lifecycle", "the binding's netlink socket is closed (devmem)"),
  terminate: kind("lifecycle", "ring exit while requests are in flight: io_terminate_zcrx", {
    pending: time(5e6, "until done; io_unregister_zcrx follows"),
  }),
  unregister: kind("lifecycle", "ring exit with nothing in flight: both steps at once"),
  rebind: kind("lifecycle", "the queue gets a provider again, after one was closed"),
  "fd-export": kind("lifecycle", "another process gets a zcrx descriptor", QUEUE),
  "fd-close": kind("lifecycle", "it closes that descriptor: the last one, after ring exit"),
  "link-down": kind("lifecycle", "ndo_stop"),
  "link-up": kind("lifecycle", "ndo_open"),
  "queue-restart": kind("lifecycle", "netdev_rx_queue_restart", QUEUE),
  "restart-fails": kind("lifecycle", "a restart whose start fails once or twice", {
    ...QUEUE,
    times: count(1, "1 or 2", 1, 2),
  }),
  "ring-size": kind("lifecycle", "ethtool -G", { to: count(256, "descriptors") }),
  channels: kind("lifecycle", "ethtool -L", { to: count(1, "queues") }),
  "header-split": kind("lifecycle", "ethtool -G tcp-data-split", {
    to: count(0, "0 off, 1 on", 0, 1),
  }),
  "driver-reset": kind("lifecycle", "all queues down and up again (TX timeout, AER)"),
  "netdev-unregister": kind("lifecycle", "unregister_netdevice"),
  "netns-exit": kind("lifecycle", "the network namespace goes, the device with it"),
  "alloc-fail": kind("provider", "the provider has nothing to give", {
    ...SOME,
    ...FOR,
  }),
  "page-refs": kind("provider", "somebody else takes a reference on pages in flight", SOME),
  "wrong-node": kind("provider", "pages in flight move to another NUMA node", SOME),
  "destroy-in-flight": kind("provider", "the provider is destroyed with buffers out"),
  loss: kind("wire", "packets are lost before the NIC", PACKETS),
  duplicate: kind("wire", "packets arrive twice", PACKETS),
  reorder: kind("wire", "packets arrive behind later ones", {
    ...PACKETS,
    by: count(3, "packets that overtake", 1),
  }),
  corrupt: kind("wire", "a bit of the payload flips", PACKETS),
  truncate: kind("wire", "packets arrive cut in half", PACKETS),
  "split-fail": kind("wire", "the NIC leaves packets unsplit", SOME),
} as const satisfies Record<string, FaultKindSpec>;

/** Name of a kind of fault. */
export type FaultKind = keyof typeof FAULT_KINDS;

/** All kinds, in the order of the table. */
export const FAULT_NAMES = Object.keys(FAULT_KINDS) as FaultKind[];

/**
 * Kinds that the kernel's own providers can be made to show too (--backend kernel-zcrx and
 * kernel-devmem), before a packet; those of one provider alone have no effect on the other.
 */
export const REAL_KINDS: readonly FaultKind[] = [
  "look",
  "app-crash",
  "app-hang",
  "duplicate-token",
  "bogus-token",
  "malformed-rqe",
  "duplicate-rqe",
  "socket-close",
  "netlink-close",
  "terminate",
  "rebind",
  "link-down",
  "link-up",
  "queue-restart",
];

/** Kinds that happen on the wire, before any NIC. */
export type WireKind = "loss" | "duplicate" | "reorder" | "corrupt" | "truncate";

/** Kinds that go through the kernel's lifecycle: whoever closes, resets or tears down. */
export type LifecycleKind =
  | "app-crash"
  | "destroy-in-flight"
  | {
      [K in FaultKind]: (typeof FAULT_KINDS)[K]["side"] extends "lifecycle" ? K : never;
    }[FaultKind];
