import type { JsonNumber } from "./json-number.js";

/** The references of a netmem: pp_ref_count and, of these, who holds how many. */
export interface TraceCounts {
  readonly ppRefCount: number;
  readonly driver: number;
  readonly skb: number;
  readonly user: number;
}

/** Kinds of actors that move netmems. */
export type TraceActorKind =
  | "napi"
  | "thread"
  | "device"
  | "ethtool"
  | "netlink"
  | "io_uring"
  | "process"
  | "socket"
  | "workqueue"
  | "event";

/** Who made a transition. */
export interface TraceActor {
  readonly kind: TraceActorKind;
  /** Queue of a NAPI, number of a thread; null for others. */
  readonly index: number | null;
  /** The kernel's function, where the actor is an event of the lifecycle. */
  readonly call: string | null;
}

/** One change of owner or of references. */
export interface TraceTransition {
  /** Model time since the start of the run, whole nanoseconds. */
  readonly timeNs: JsonNumber;
  /** Letter and number, and what it is: `T4 driver to skb`. */
  readonly transition: string;
  readonly actor: TraceActor;
  /** States before and after, such as `DRV_RING`. */
  readonly from: string;
  readonly to: string;
  /** Number of the pool that holds the netmem in its account, 0 for none. */
  readonly pool: number;
  readonly before: TraceCounts;
  readonly after: TraceCounts;
}

/** The life of one netmem. */
export interface NetmemLife {
  readonly netmem: number;
  /** Provider area, or a system page (header pools and page queues). */
  readonly memory: "area" | "page";
  /** State at the end of what is told, and its owner as the record names it; null for nobody. */
  readonly state: string;
  readonly owner: string | null;
  /** Transitions before the first one here that were not kept. */
  readonly earlier: number;
  readonly transitions: readonly TraceTransition[];
}

/** A netmem that a packet's bytes were placed in. */
export interface PlacedNetmem {
  readonly netmem: number;
  /** First byte of the packet in it. */
  readonly offset: number;
  /** Bytes of link, network and TCP headers, and of payload. */
  readonly headBytes: number;
  readonly payloadBytes: number;
}

/** What became of one packet at the NIC. */
export interface PlacedPacket {
  /** Counted from 1 over all passes, as `--fault` and `capture.packets` count. */
  readonly packet: number;
  readonly arrivalNs: JsonNumber;
  readonly queue: number;
  readonly capturedBytes: number;
  /** Headers that lie in memory of their own, beside the netmems (the skb's head). */
  readonly ownHeadBytes: number;
  readonly placed: readonly PlacedNetmem[];
  /** Why the NIC dropped it, null where it did not. */
  readonly dropped: string | null;
}

/** What `netmem trace` answers. */
export interface TraceDocument {
  readonly schema: "netmem.trace/1";
  readonly capture: {
    readonly path: string;
    readonly sha256: string;
    readonly packets: JsonNumber;
  };
  readonly reproduce: string;
  readonly provider: string;
  /** Netmems of the provider's area; system pages are numbered behind them. */
  readonly areaNetmems: number;
  readonly allNetmems: number;
  /** What was asked for. */
  readonly subject: "netmem" | "packet" | "leaked";
  /** With `--packet`. */
  readonly packet: PlacedPacket | null;
  /** The broken invariant that ended the run; `--leaked` then tells of its netmem alone. */
  readonly violation: string | null;
  /** Leaked netmems at the end of the run. */
  readonly leaked: JsonNumber;
  readonly lives: readonly NetmemLife[];
}
