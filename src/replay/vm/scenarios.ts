import type { FaultKind } from "../../engine/fault/kinds.js";

/** A provider of the kernel and of the model. */
export type VmProvider = "zcrx" | "devmem";

/** What is compared where both sides need not be the same number for number. */
export type Expectation =
  /** Every stream with the same bytes and digest, and as many of them copied. */
  | "equal"
  /** As `equal`; some bytes are copied and some are not: which, the two devices decide. */
  | "mixed"
  /** Memory runs out: drops at the NIC, never a zero window, nothing left over. */
  | "starved"
  /** The reader is killed: nothing is left over. */
  | "killed";

/** A fault of a scenario: what, and behind which share of the capture's packets. */
export interface PlacedFault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly args?: string;
}

/** One way of running both sides. */
export interface Scenario {
  readonly id: string;
  readonly what: string;
  /** Flags of `replay` for both sides. */
  readonly flags: Readonly<Record<string, string>>;
  readonly expects: Expectation;
  /** What happens on both sides, in this order. */
  readonly faults?: readonly PlacedFault[];
  /** Providers that it makes sense for; all where absent. */
  readonly only?: VmProvider;
}

/** Nothing comes back before the end, and no read cuts a piece in two. */
const HELD = { hold: "30s", "read-size": "8MiB" } as const;

/** A scenario that expects equality and happens to both providers, unless `more` says otherwise. */
function scenario(
  id: string,
  what: string,
  flags: Scenario["flags"] = {},
  more: Partial<Scenario> = {},
): Scenario {
  return { id, what, flags, expects: "equal", ...more };
}

/** A fault at a share of the capture. */
function at(share: number, kind: FaultKind, args?: string): PlacedFault {
  return { kind, at: share, ...(args === undefined ? {} : { args }) };
}

function look(share: number): PlacedFault {
  return at(share, "look");
}

const LOOKS = [look(0.4), look(0.9)];

/** Nothing goes wrong, or what a device or a user sets up. */
const SOUND: readonly Scenario[] = [
  scenario("steady", "steady reader", {}, { faults: LOOKS }),
  scenario("slow-reader", "everything is held for 20 ms", { hold: "20ms" }),
  scenario(
    "small-area",
    "64 descriptors and 4 MiB",
    { ring: "64", area: "4MiB" },
    { faults: LOOKS },
  ),
  scenario(
    "hoarder",
    "256 KiB of memory, and nothing is given back in time",
    { ...HELD, ring: "32", area: "256KiB" },
    { expects: "starved" },
  ),
  scenario("unsteered", "flows on another queue", { steer: "none" }),
  // A number that no pattern of handshake, data and ACK has as its period.
  scenario(
    "split-fails",
    "every seventh frame is left unsplit",
    { hds: "fail=7" },
    { expects: "mixed" },
  ),
  scenario("two-passes", "the same pool twice", { loop: "2" }),
  scenario("large-buffers", "netmems of 32 KiB", { "buffer-size": "32KiB" }, { only: "zcrx" }),
  scenario("small-reads", "recvmsg of 4 KiB", { "read-size": "4KiB" }, { only: "devmem" }),
];

/** Returns of two wrong kinds, with a look behind them. */
function badReturns(what: string, one: FaultKind, other: FaultKind, only: VmProvider): Scenario {
  const faults = [at(0.2, one, "count=9"), at(0.3, other, "count=9"), ...LOOKS];
  return scenario("bad-returns", what, {}, { faults, only });
}

/** An application, a device or a user that does what it should not, or at the wrong moment. */
const UPSET: readonly Scenario[] = [
  badReturns(
    "refill entries twice, and entries of nonsense",
    "malformed-rqe",
    "duplicate-rqe",
    "zcrx",
  ),
  badReturns(
    "tokens twice, and tokens that nobody has",
    "bogus-token",
    "duplicate-token",
    "devmem",
  ),
  scenario("close-unread", "sockets closed with unread data, and with netmems held", HELD, {
    faults: [at(0.4, "app-hang"), look(0.6), at(0.6, "socket-close"), look(0.9)],
  }),
  scenario(
    "queue-restart",
    "the queue restarts twice under traffic, netmems held",
    { ...HELD, queue: "0" },
    {
      faults: [
        look(0.4),
        at(0.4, "queue-restart", "queue=0"),
        look(0.5),
        at(0.7, "queue-restart", "queue=0"),
        look(0.9),
      ],
    },
  ),
  scenario("link-flap", "link down and up again, netmems held", HELD, {
    faults: [look(0.4), at(0.5, "link-down"), look(0.55), at(0.6, "link-up"), look(0.9)],
  }),
  scenario("ring-exit", "the ring goes with requests pending; another registers at once", HELD, {
    faults: [look(0.4), at(0.5, "terminate"), at(0.5, "rebind"), look(0.55), look(0.9)],
    only: "zcrx",
  }),
  scenario("netlink-close", "the netlink socket goes with tokens out; another binds later", HELD, {
    faults: [look(0.4), at(0.5, "netlink-close"), look(0.55), at(0.7, "rebind"), look(0.9)],
    only: "devmem",
  }),
  scenario("killed", "SIGKILL while everything is held", HELD, {
    expects: "killed",
    faults: [at(0.6, "app-crash")],
  }),
  scenario("after-kill", "the queue is opened again at once"),
];

/**
 * The scenarios of `netmem parity --vm` for a provider, in the order in which one guest runs them.
 * Between two, the provider's pools must be gone.
 */
export function scenariosOf(provider: VmProvider): Scenario[] {
  const all = [...SOUND, ...UPSET];
  return all.filter(({ only }) => only === undefined || only === provider);
}

/** A fault of a scenario at a packet of a capture. */
export interface DuePacket {
  readonly kind: FaultKind;
  readonly packet: number;
  readonly args: string;
}

/** The faults of a scenario on a capture of so many packets. */
export function faultsOf({ faults = [] }: Scenario, packets: number): DuePacket[] {
  return faults.map(({ kind, at, args }) => ({
    kind,
    packet: Math.max(2, Math.round(at * packets)),
    args: args === undefined ? "" : `,${args}`,
  }));
}
