import type { PlannedFault } from "./plan.js";

/** One happening of a fault. */
export interface FaultEvent {
  /** The fault as it was written. */
  readonly fault: string;
  /** Packet of the run before which it happened, from 1. */
  readonly packet: number;
  /** Model time since the start of the run. */
  readonly atNs: number;
  /** What came of it, in words; empty where there is nothing to say. */
  readonly effect: string;
}

/** A noun with its count: `1 page`, `3 pages`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Events kept; further ones are counted. */
const MAX_EVENTS = 1000;

/** What faults happened, oldest first. */
export class FaultLog {
  readonly events: FaultEvent[] = [];
  /** How often any fault happened. */
  count = 0;
  readonly #happened = new Set<string>();

  /** Notes that a fault happened before packet `packet`. */
  note(fault: PlannedFault, packet: number, atNs: number, effect: string): void {
    this.count++;
    this.#happened.add(fault.text);
    if (this.events.length === MAX_EVENTS) return;
    this.events.push({ fault: fault.text, packet, atNs: Math.round(atNs), effect });
  }

  /** Whether a fault happened at least once. */
  happened(fault: PlannedFault): boolean {
    return this.#happened.has(fault.text);
  }
}
