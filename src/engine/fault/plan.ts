import { Prng } from "../clock/prng.js";
import { FAULT_KINDS, type FaultKind } from "./kinds.js";

/** When a fault happens. */
export type FaultWhen =
  /** Before the packet of that number of the run, from 1. */
  | { readonly at: "packet"; readonly packet: number }
  /** At that model time since the start of the run. */
  | { readonly at: "time"; readonly ns: number }
  /** Once the application took that many bytes of a stream. */
  | { readonly at: "byte"; readonly stream: number; readonly byte: number }
  /** Before a packet from 1 to `within` that the seed draws. */
  | { readonly at: "random"; readonly within: number };

/** One fault of a plan. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly when: FaultWhen;
  /** Every argument of the kind; times in ns, Infinity for "for ever". */
  readonly args: Readonly<Record<string, number>>;
  /** As it was written. */
  readonly text: string;
}

/** Salt that keeps the draws of a plan apart from the model's others. */
const PLAN_SALT = 0x5eedfa17;

/**
 * Draws the packet of each random fault; same seed, same packets. A wire fault with a rate stays
 * random: the wire draws for every packet.
 */
export function settlePlan(faults: readonly PlannedFault[], seed: number): PlannedFault[] {
  const prng = new Prng(seed ^ PLAN_SALT);
  return faults.map((fault) => {
    if (fault.when.at !== "random" || (fault.args.rate ?? 0) > 0) return fault;
    return { ...fault, when: { at: "packet", packet: 1 + prng.below(fault.when.within) } };
  });
}

/** Whether a fault acts on packets before any NIC sees them, alike for all providers. */
export function isWireFault(fault: PlannedFault): boolean {
  return FAULT_KINDS[fault.kind].side === "wire" && fault.kind !== "split-fail";
}
