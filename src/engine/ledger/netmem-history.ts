import { type Rebased, rebaseTimes, type VirtualClock } from "../clock/virtual-clock.js";
import {
  type NetmemTable,
  NM_DRIVER,
  NM_POOL,
  NM_PP_REF,
  NM_SKB,
  NM_STATE,
  NM_USER,
  NM_WORDS,
} from "../netmem/netmem-table.js";
import { DRV_RING, STATE_NAME, T2, TRANSITION_NAME } from "../netmem/state.js";
import { FollowedNetmem } from "./followed-netmem.js";

/** Events kept a netmem. */
export const HISTORY_EVENTS = 16;
/** Int32 words an event: how and state, actor, pool, and the four counts. */
const EV_WORDS = 7;

/** Tells who acts now, as an integer that whoever reads the history understands. */
export interface Actors {
  now(): number;
}

/** Told of every transition of a netmem that is followed, once it is noted. */
export type Follower = (followed: FollowedNetmem, from: number, to: number) => void;

/**
 * The recent life of every netmem (`--leaks trace`): a ring of the last {@link HISTORY_EVENTS}
 * transitions each, and more of those that are followed.
 *
 *      words   event n * 16 + (seen[n] & 15):
 *              [transition << 8 | state][actor][pool][pp_ref_count][driver][skb][user]
 *      timesNs one an event
 */
export class NetmemHistory implements Rebased {
  /** Who acts; nobody until the path is assembled. */
  actors: Actors = { now: () => 0 };
  readonly #table: NetmemTable;
  readonly #words: Int32Array;
  readonly #timesNs: Float64Array;
  readonly #seen: Uint32Array;
  readonly #clock: VirtualClock;
  readonly #followed = new Map<number, FollowedNetmem>();
  #follower: Follower = () => {};

  constructor(table: NetmemTable, clock: VirtualClock) {
    const events = table.count * HISTORY_EVENTS;
    this.#table = table;
    this.#words = new Int32Array(events * EV_WORDS);
    this.#timesNs = new Float64Array(events);
    this.#seen = new Uint32Array(table.count);
    this.#clock = clock;
    clock.follow(this);
  }

  /** Notes one transition and the state after it; the counts are those in the table. */
  note(n: number, transition: number, state: number): void {
    const slot = n * HISTORY_EVENTS + (this.#seen[n]!++ & (HISTORY_EVENTS - 1));
    const at = slot * EV_WORDS;
    const from = n * NM_WORDS;
    const words = this.#words;
    const table = this.#table.words;
    words[at] = (transition << 8) | state;
    words[at + 1] = this.actors.now();
    words[at + 2] = table[from + NM_POOL]!;
    words[at + 3] = table[from + NM_PP_REF]!;
    words[at + 4] = table[from + NM_DRIVER]!;
    words[at + 5] = table[from + NM_SKB]!;
    words[at + 6] = table[from + NM_USER]!;
    this.#timesNs[slot] = this.#clock.nowNs;
    const followed = this.#followed.get(n);
    if (followed === undefined) return;
    const before = followed.state;
    this.#tell(followed, slot);
    this.#follower(followed, before, state);
  }

  /** page_pool_fragment_netmem: a netmem that a driver has was given its bias (T2). */
  biased(n: number): void {
    if (this.#table.words[n * NM_WORDS + NM_STATE] === DRV_RING) this.note(n, T2, DRV_RING);
  }

  /** Follows a netmem from now on, and as far back as its ring goes; keeps `capacity` events. */
  follow(n: number, capacity: number): FollowedNetmem {
    const followed = new FollowedNetmem(n, capacity);
    for (const slot of this.#slots(n)) this.#tell(followed, slot);
    this.#followed.set(n, followed);
    return followed;
  }

  /** `follower` is told of what netmems that are followed do. */
  set follower(follower: Follower) {
    this.#follower = follower;
  }

  /** The events of a netmem in words, oldest first. */
  events(n: number): string[] {
    return this.#slots(n).map((slot) => {
      const event = this.#words[slot * EV_WORDS]!;
      const name = TRANSITION_NAME[event >> 8]!;
      return `${name} -> ${STATE_NAME[event & 255]} at ${this.#timesNs[slot]} ns`;
    });
  }

  rebase(deltaNs: number): void {
    rebaseTimes(this.#timesNs, deltaNs);
    for (const followed of this.#followed.values()) followed.rebase(deltaNs);
  }

  #tell(followed: FollowedNetmem, slot: number): void {
    const at = slot * EV_WORDS;
    const [event, actor, pool, ppRef, driver, skb, user] = this.#words.subarray(at, at + EV_WORDS);
    followed.note({
      transition: event! >> 8,
      to: event! & 255,
      actor: actor!,
      pool: pool!,
      after: { ppRef: ppRef!, driver: driver!, skb: skb!, user: user! },
      timeNs: this.#timesNs[slot]!,
    });
  }

  /** The places of a netmem's events, oldest first. */
  #slots(n: number): number[] {
    const seen = this.#seen[n]!;
    const slots: number[] = [];
    for (let k = Math.max(0, seen - HISTORY_EVENTS); k < seen; k++) {
      slots.push(n * HISTORY_EVENTS + (k & (HISTORY_EVENTS - 1)));
    }
    return slots;
  }
}
