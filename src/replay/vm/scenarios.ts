/** A provider of the kernel and of the model. */
export type VmProvider = "zcrx" | "devmem";

/** What is compared where both sides need not be the same number for number. */
export type Expectation =
  /** Every stream with the same bytes and digest, nothing copied. */
  | "equal"
  /** As `equal`, but every byte is copied. */
  | "copied"
  /** As `equal`, but some bytes are copied and some are not: which, the two devices decide. */
  | "mixed"
  /** Memory runs out: drops at the NIC, never a zero window, nothing left over. */
  | "starved"
  /** The reader is killed: nothing is left over. */
  | "killed";

/** One way of running both sides. */
export interface Scenario {
  readonly id: string;
  readonly what: string;
  /** Flags of `replay` for both sides. */
  readonly flags: Readonly<Record<string, string>>;
  readonly expects: Expectation;
  /** Providers that it makes sense for; all where absent. */
  readonly only?: VmProvider;
  /** The guest's process is killed so long after its start. */
  readonly killAfterMs?: number;
}

/**
 * The scenarios of `netmem parity --vm`, in the order in which one guest runs them. Between two,
 * the provider's pools must be gone.
 */
export const SCENARIOS: readonly Scenario[] = [
  { id: "steady", what: "steady reader", flags: {}, expects: "equal" },
  {
    id: "slow-reader",
    what: "everything is held for 20 ms",
    flags: { hold: "20ms" },
    expects: "equal",
  },
  {
    id: "small-ring",
    what: "64 descriptors and 4 MiB",
    flags: { ring: "64", area: "4MiB" },
    expects: "equal",
  },
  {
    id: "hoarder",
    what: "512 KiB of memory, and nothing is given back in time",
    flags: { ring: "64", area: "512KiB", hold: "30s", queues: "2" },
    expects: "starved",
  },
  {
    id: "unsteered",
    what: "flows on another queue",
    flags: { steer: "none" },
    expects: "copied",
  },
  {
    id: "split-fails",
    what: "every second frame is left unsplit",
    flags: { hds: "fail=2" },
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
  {
    id: "killed",
    what: "SIGKILL while everything is held",
    flags: { hold: "30s" },
    expects: "killed",
    killAfterMs: 12_000,
  },
  { id: "after-kill", what: "the queue is opened again at once", flags: {}, expects: "equal" },
];

/** The scenarios of a provider. */
export function scenariosOf(provider: VmProvider): Scenario[] {
  return SCENARIOS.filter(({ only }) => only === undefined || only === provider);
}
