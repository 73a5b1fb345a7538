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

function look(at: number): PlacedFault {
  return { kind: "look", at };
}

const LOOKS = [look(0.4), look(0.9)];

/** Nothing goes wrong, or what a device or a user sets up. */
const SOUND: readonly Scenario[] = [
  { id: "steady", what: "steady reader", flags: {}, expects: "equal", faults: LOOKS },
  {
    id: "slow-reader",
    what: "everything is held for 20 ms",
    flags: { hold: "20ms" },
    expects: "equal",
  },
  {
    id: "small-area",
    what: "64 descriptors and 4 MiB",
    flags: { ring: "64", area: "4MiB" },
    expects: "equal",
    faults: LOOKS,
  },
  {
    id: "hoarder",
    what: "256 KiB of memory, and nothing is given back in time",
    flags: { ...HELD, ring: "32", area: "256KiB" },
    expects: "starved",
  },
  {
    id: "unsteered",
    what: "flows on another queue",
    flags: { steer: "none" },
    expects: "equal",
  },
  {
    // A number that no pattern of handshake, data and ACK has as its period.
    id: "split-fails",
    what: "every seventh frame is left unsplit",
    flags: { hds: "fail=7" },
    expects: "mixed",
  },
  { id: "two-passes", what: "the same pool twice", flags: { loop: "2" }, expects: "equal" },
  {
    id: "large-buffers",
    what: "netmems of 32 KiB",
    flags: { "buffer-size": "32KiB" },
    expects: "equal",
    only: "zcrx",
  },
  {
    id: "small-reads",
    what: "recvmsg of 4 KiB",
    flags: { "read-size": "4KiB" },
    expects: "equal",
    only: "devmem",
  },
];

/** An application, a device or a user that does what it should not, or at the wrong moment. */
const UPSET: readonly Scenario[] = [
  {
    id: "bad-returns",
    what: "refill entries twice, and entries of nonsense",
    flags: {},
    expects: "equal",
    faults: [
      { kind: "malformed-rqe", at: 0.2, args: "count=9" },
      { kind: "duplicate-rqe", at: 0.3, args: "count=9" },
      ...LOOKS,
    ],
    only: "zcrx",
  },
  {
    id: "bad-returns",
    what: "tokens twice, and tokens that nobody has",
    flags: {},
    expects: "equal",
    faults: [
      { kind: "bogus-token", at: 0.2, args: "count=9" },
      { kind: "duplicate-token", at: 0.3, args: "count=9" },
      ...LOOKS,
    ],
    only: "devmem",
  },
  {
    id: "close-unread",
    what: "sockets closed with unread data, and with netmems held",
    flags: HELD,
    expects: "equal",
    faults: [
      { kind: "app-hang", at: 0.4 },
      look(0.6),
      { kind: "socket-close", at: 0.6 },
      look(0.9),
    ],
  },
  {
    id: "queue-restart",
    what: "the queue restarts twice under traffic, netmems held",
    flags: { ...HELD, queue: "0" },
    expects: "equal",
    faults: [
      look(0.4),
      { kind: "queue-restart", at: 0.4, args: "queue=0" },
      look(0.5),
      { kind: "queue-restart", at: 0.7, args: "queue=0" },
      look(0.9),
    ],
  },
  {
    id: "link-flap",
    what: "link down and up again, netmems held",
    flags: HELD,
    expects: "equal",
    faults: [
      look(0.4),
      { kind: "link-down", at: 0.5 },
      look(0.55),
      { kind: "link-up", at: 0.6 },
      look(0.9),
    ],
  },
  {
    id: "ring-exit",
    what: "the ring goes with requests pending; another registers at once",
    flags: HELD,
    expects: "equal",
    faults: [
      look(0.4),
      { kind: "terminate", at: 0.5 },
      { kind: "rebind", at: 0.5 },
      look(0.55),
      look(0.9),
    ],
    only: "zcrx",
  },
  {
    id: "netlink-close",
    what: "the netlink socket goes with tokens out; another binds later",
    flags: HELD,
    expects: "equal",
    faults: [
      look(0.4),
      { kind: "netlink-close", at: 0.5 },
      look(0.55),
      { kind: "rebind", at: 0.7 },
      look(0.9),
    ],
    only: "devmem",
  },
  {
    id: "killed",
    what: "SIGKILL while everything is held",
    flags: HELD,
    expects: "killed",
    faults: [{ kind: "app-crash", at: 0.6 }],
  },
  { id: "after-kill", what: "the queue is opened again at once", flags: {}, expects: "equal" },
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
