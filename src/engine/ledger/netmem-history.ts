import { type Rebased, rebaseTimes, type VirtualClock } from "../clock/virtual-clock.js";
import { STATE_NAME, TRANSITION_NAME } from "../netmem/state.js";

/** Events kept a netmem. */
export const HISTORY_EVENTS = 16;

/**
 * The recent life of every netmem (`--leaks trace`): a ring of the last {@link HISTORY_EVENTS}
 * transitions each.
 *
 *      events[n * 16 + (seen[n] & 15)] = transition << 8 | state      timesNs beside it
 */
export class NetmemHistory implements Rebased {
  readonly #events: Uint16Array;
  readonly #timesNs: Float64Array;
  readonly #seen: Uint32Array;
  readonly #clock: VirtualClock;

  constructor(netmems: number, clock: VirtualClock) {
    this.#events = new Uint16Array(netmems * HISTORY_EVENTS);
    this.#timesNs = new Float64Array(netmems * HISTORY_EVENTS);
    this.#seen = new Uint32Array(netmems);
    this.#clock = clock;
    clock.follow(this);
  }

  /** Notes one transition and the state after it. */
  note(n: number, transition: number, state: number): void {
    const at = n * HISTORY_EVENTS + (this.#seen[n]!++ & (HISTORY_EVENTS - 1));
    this.#events[at] = (transition << 8) | state;
    this.#timesNs[at] = this.#clock.nowNs;
  }

  /** The events of a netmem in words, oldest first. */
  events(n: number): string[] {
    const seen = this.#seen[n]!;
    const words: string[] = [];
    for (let k = Math.max(0, seen - HISTORY_EVENTS); k < seen; k++) {
      const at = n * HISTORY_EVENTS + (k & (HISTORY_EVENTS - 1));
      const event = this.#events[at]!;
      const name = TRANSITION_NAME[event >> 8]!;
      words.push(`${name} -> ${STATE_NAME[event & 255]} at ${this.#timesNs[at]} ns`);
    }
    return words;
  }

  rebase(deltaNs: number): void {
    rebaseTimes(this.#timesNs, deltaNs);
  }
}
