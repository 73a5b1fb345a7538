import type { VirtualClock } from "../clock/virtual-clock.js";
import {
  type NetmemTable,
  NM_DRIVER,
  NM_LAST,
  NM_LAST_NS,
  NM_POOL,
  NM_PP_REF,
  NM_SKB,
  NM_STAMPS,
  NM_STATE,
  NM_USER,
  NM_WORDS,
} from "../netmem/netmem-table.js";
import {
  APP_TOKEN,
  APP_UREF,
  D3,
  DRV_RING,
  LEGAL,
  SKB,
  STATE_NAME,
  T4,
  T5,
  T7,
  T8,
  TRANSITION_NAME,
} from "../netmem/state.js";
import { InvariantViolation } from "./invariant.js";
import { NetmemHistory } from "./netmem-history.js";

/** `count` keeps the last transition of each netmem, `trace` its recent history. */
export type LeakMode = "count" | "trace";

/**
 * The book of owners. Every reference and every change of owner of every netmem goes through here;
 * what is not legal (netmem/state.ts) or does not add up stops the run.
 *
 *      counts[pool * 16 + state]     netmems of a pool in a state
 *      pp_ref_count == driver + skb + user      after every call (invariants 7 and 8)
 *
 * The reference calls are the kernel's page_pool_fragment_netmem, page_pool_ref_netmem and
 * page_pool_unref_netmem (include/net/page_pool/helpers.h): the last put leaves the count at 1 and
 * answers true, and its caller must then hand the netmem to its pool.
 */
export class Ledger {
  /** False in the benchmark's reference run only: references stay, book-keeping stops. */
  on = true;
  /** Netmems by pool and state, 16 a pool; pool 0 is "no pool". */
  counts = new Int32Array(16 * 64);
  readonly history: NetmemHistory | null;
  readonly #table: NetmemTable;
  readonly #words: Int32Array;
  readonly #stamps: Float64Array;
  readonly #clock: VirtualClock;
  /** The state of a netmem that only the application holds. */
  readonly #appState: number;

  constructor(table: NetmemTable, clock: VirtualClock, mode: LeakMode, tokens: boolean) {
    this.#table = table;
    this.#words = table.words;
    this.#stamps = table.stamps;
    this.#clock = clock;
    this.#appState = tokens ? APP_TOKEN : APP_UREF;
    this.history = mode === "trace" ? new NetmemHistory(table, clock) : null;
    this.counts[0] = table.count;
  }

  /** Makes room for the counts of pool number `pool`. */
  openPool(pool: number): void {
    if (pool * 16 + 16 <= this.counts.length) return;
    const wider = new Int32Array(this.counts.length * 2);
    wider.set(this.counts);
    this.counts = wider;
  }

  /** Moves netmem `n` to state `to` by transition `how`; `desc.pp` must be set as it is now. */
  move(n: number, to: number, how: number): void {
    if (!this.on) return;
    const words = this.#words;
    const at = n * NM_WORDS;
    const from = words[at + NM_STATE]!;
    if (LEGAL[from * 16 + to] !== 1) this.#illegal(n, from, to, how);
    const pool = words[at + NM_POOL]! << 4;
    this.counts[pool + from]!--;
    this.counts[pool + to]!++;
    words[at + NM_STATE] = to;
    words[at + NM_LAST] = how;
    this.#stamps[n * NM_STAMPS + NM_LAST_NS] = this.#clock.nowNs;
    if (this.history !== null) this.history.note(n, how, to);
  }

  /** Sets `desc.pp` of a netmem, 0 for none, keeping the counts by pool right. */
  setPool(n: number, pool: number): void {
    const words = this.#words;
    const at = n * NM_WORDS;
    if (this.on) {
      const state = words[at + NM_STATE]!;
      this.counts[(words[at + NM_POOL]! << 4) + state]!--;
      this.counts[(pool << 4) + state]!++;
    }
    words[at + NM_POOL] = pool;
  }

  /** Driver posts a netmem with a fragment bias: pp_ref_count = bias, all of it the driver's. */
  post(n: number, bias: number): void {
    const at = n * NM_WORDS;
    this.#words[at + NM_PP_REF] = bias;
    this.#words[at + NM_DRIVER] = bias;
    // page_pool_fragment_netmem comes behind the hand-over, which has one reference.
    if (this.history !== null && bias !== 1) this.history.biased(n);
  }

  /** Driver gives up what is left of its bias; true if that was the last reference. */
  drain(n: number): boolean {
    const words = this.#words;
    const at = n * NM_WORDS;
    const left = words[at + NM_DRIVER]!;
    words[at + NM_DRIVER] = 0;
    if (words[at + NM_PP_REF] === left) {
      words[at + NM_PP_REF] = 1;
      return true;
    }
    words[at + NM_PP_REF]! -= left;
    if (this.on) this.#settle(n, at, T4);
    return false;
  }

  /** Driver gives up `nr` of its references; true if they were the last references of all. */
  driverPut(n: number, nr: number): boolean {
    const words = this.#words;
    const at = n * NM_WORDS;
    const left = words[at + NM_DRIVER]! - nr;
    words[at + NM_DRIVER] = left;
    if (this.on && left < 0) this.#corrupt(n, "more driver puts than driver references");
    if (words[at + NM_PP_REF] === nr) {
      words[at + NM_PP_REF] = 1;
      return true;
    }
    words[at + NM_PP_REF]! -= nr;
    if (this.on) this.#settle(n, at, T4);
    return false;
  }

  /** One of the driver's references becomes an skb frag or head (T4). */
  driverToSkb(n: number): void {
    const words = this.#words;
    const at = n * NM_WORDS;
    const driver = words[at + NM_DRIVER]! - 1;
    words[at + NM_DRIVER] = driver;
    words[at + NM_SKB]!++;
    if (this.on) {
      if (driver <= 0) {
        if (driver < 0) this.#corrupt(n, "a frag was given out without a driver reference");
        this.move(n, SKB, T4);
      } else if (this.history !== null) this.history.note(n, T4, DRV_RING);
    }
  }

  /** Another skb frag shares the netmem (skb_pp_frag_ref, T5). */
  skbGet(n: number): void {
    const at = n * NM_WORDS;
    this.#words[at + NM_PP_REF]!++;
    this.#words[at + NM_SKB]!++;
    if (this.history !== null) this.history.note(n, T5, this.#words[at + NM_STATE]!);
  }

  /** An skb frag or head goes; true if it was the last reference (T6), else T7 or D3. */
  skbPut(n: number): boolean {
    const words = this.#words;
    const at = n * NM_WORDS;
    const skb = words[at + NM_SKB]! - 1;
    const refs = words[at + NM_PP_REF]!;
    words[at + NM_SKB] = skb;
    if (this.on && (skb < 0 || refs <= 0)) this.#corrupt(n, "more frag puts than frags");
    if (refs === 1) return true;
    words[at + NM_PP_REF] = refs - 1;
    if (this.on) {
      if (skb === 0) this.#settle(n, at, D3);
      else if (this.history !== null) this.history.note(n, T7, words[at + NM_STATE]!);
    }
    return false;
  }

  /** The application gets a token or user ref (D2, Z2): pp reference first, then the user's. */
  userGet(n: number, how: number): void {
    const at = n * NM_WORDS;
    this.#words[at + NM_PP_REF]!++;
    this.#words[at + NM_USER]!++;
    if (this.history !== null) this.history.note(n, how, this.#words[at + NM_STATE]!);
  }

  /** `nr` user references go; true if they were the last references of all. */
  userPut(n: number, nr: number, how: number): boolean {
    const words = this.#words;
    const at = n * NM_WORDS;
    const user = words[at + NM_USER]! - nr;
    const refs = words[at + NM_PP_REF]!;
    words[at + NM_USER] = user;
    if (this.on && (user < 0 || refs < nr)) this.#corrupt(n, "more user puts than user refs");
    if (refs === nr) {
      words[at + NM_PP_REF] = 1;
      return true;
    }
    words[at + NM_PP_REF] = refs - nr;
    if (this.history !== null) this.history.note(n, how, words[at + NM_STATE]!);
    return false;
  }

  /** Stops the run with the netmem's story. */
  fail(n: number, invariant: number | string, message: string): never {
    throw new InvariantViolation(invariant, `${message}; ${this.describe(n)}`, n);
  }

  /** One line on a netmem: references, owner, pool, last transition, and its history if traced. */
  describe(n: number): string {
    const at = n * NM_WORDS;
    const w = this.#words;
    const sinceNs = this.#stamps[n * NM_STAMPS + NM_LAST_NS];
    const last = `${TRANSITION_NAME[w[at + NM_LAST]!]} at ${sinceNs} ns`;
    const counts = `driver ${w[at + NM_DRIVER]}, skb ${w[at + NM_SKB]}, user ${w[at + NM_USER]}`;
    const head = `netmem ${n} of ${this.#table.count}, ${STATE_NAME[w[at + NM_STATE]!]}`;
    const story = this.history === null ? "" : `; history: ${this.history.events(n).join(", ")}`;
    const refs = `pp_ref_count ${w[at + NM_PP_REF]} (${counts})`;
    return `${head}, ${refs}, pool ${w[at + NM_POOL]}, last ${last}${story}`;
  }

  /** After a put that was not the last: the state follows the strongest holder that is left. */
  #settle(n: number, at: number, how: number): void {
    const words = this.#words;
    const driver = words[at + NM_DRIVER]!;
    const skb = words[at + NM_SKB]!;
    const user = words[at + NM_USER]!;
    if (words[at + NM_PP_REF] !== driver + skb + user) this.#corrupt(n, "pp_ref_count is off");
    const to = driver > 0 ? DRV_RING : skb > 0 ? SKB : this.#appState;
    if (words[at + NM_STATE] !== to) this.move(n, to, how);
    else if (this.history !== null) this.history.note(n, how === T4 ? T8 : T7, to);
  }

  #illegal(n: number, from: number, to: number, how: number): never {
    const edge = `${STATE_NAME[from]} -> ${STATE_NAME[to]} (${TRANSITION_NAME[how]})`;
    this.fail(n, 5, `no such change of owner: ${edge}`);
  }

  #corrupt(n: number, message: string): never {
    this.fail(n, 8, message);
  }
}
