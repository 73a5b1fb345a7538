import type { Ledger } from "../ledger/ledger.js";
import {
  APP_FALLBACK,
  APP_TOKEN,
  APP_UREF,
  DRV_RING,
  POOL_CACHE,
  POOL_RING,
  SKB,
} from "../netmem/state.js";

/** Points that a series has at most. */
export const OWNER_POINTS = 500;
/** Owners a point, in the order of OWNERS (netmem/state.ts). */
export const OWNER_COLUMNS = 6;
/** Time from one grid point to the next at first; a power of two, so that doubles have it exact. */
const FIRST_PERIOD_NS = 1024;

/** Whose netmems are counted: the ledger, and the pools that hold the provider's netmems. */
export interface OwnerSource {
  readonly ledger: Pick<Ledger, "counts">;
  /** Numbers of the pools with the provider's netmems, those of queues that are gone included. */
  payloadPools(): readonly number[];
}

/**
 * Counts by owner as they are now, written to `into` from `at` on. Copy fallbacks belong to no
 * pool (number 0).
 */
export function countOwners(source: OwnerSource, into: Int32Array, at: number): void {
  const { counts } = source.ledger;
  into.fill(0, at, at + OWNER_COLUMNS);
  for (const pool of source.payloadPools()) {
    const first = pool << 4;
    into[at]! += counts[first + POOL_CACHE]!;
    into[at + 1]! += counts[first + POOL_RING]!;
    into[at + 2]! += counts[first + DRV_RING]!;
    into[at + 3]! += counts[first + SKB]!;
    into[at + 4]! += counts[first + APP_TOKEN]! + counts[first + APP_UREF]!;
  }
  into[at + 5] = counts[APP_FALLBACK]!;
}

/**
 * Who held the provider's netmems over model time: the counts at points of a grid, kept where they
 * changed. A point holds until the next one. Owners change only when something runs, so the state
 * found before a step is the state at every grid point since the step before; nothing is added to
 * the work of a packet. When the series is full the grid gets twice as coarse.
 *
 *      steps     |   |  |      |                        | |
 *      grid   .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
 *      kept   *  *     *       *                           *
 */
export class OwnerSeries {
  /** Model time of the next grid point of which the state is to be found out. */
  dueNs = 0;
  count = 0;
  /** Since the start of the run, ascending; multiples of the grid's period. */
  readonly timesNs = new Float64Array(OWNER_POINTS);
  /** {@link OWNER_COLUMNS} a point. */
  readonly owners = new Int32Array(OWNER_POINTS * OWNER_COLUMNS);
  readonly #source: OwnerSource;
  #periodNs = FIRST_PERIOD_NS;
  /** From the start of the run to the clock's epoch: whole seconds, which a double has exact. */
  #epochNs = 0;

  constructor(source: OwnerSource) {
    this.#source = source;
  }

  /** Before a step at `nextNs`, which is not before `dueNs`: keeps the state at `dueNs`. */
  sample(nextNs: number): void {
    this.#keep(this.#epochNs + this.dueNs);
    this.#arm(nextNs);
  }

  /**
   * The state now, at `nowNs`, at the first grid point that is not taken. A point that thinning
   * moved beyond now was still to be found out: it is the one.
   */
  finish(nowNs: number): void {
    const period = this.#periodNs;
    const last = this.count === 0 ? -period : this.timesNs[this.count - 1]!;
    const runNs = this.#epochNs + nowNs;
    const gridNs = Math.ceil(runNs / period) * period;
    this.#keep(last > runNs ? last : Math.max(gridNs, last + period));
    this.#arm(nowNs);
  }

  /** Called when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    this.dueNs -= deltaNs;
    this.#epochNs += deltaNs;
  }

  #arm(nowNs: number): void {
    const period = this.#periodNs;
    const after = Math.floor((this.#epochNs + nowNs) / period) + 1;
    this.dueNs = after * period - this.#epochNs;
    // Far from the start of the run the sum above is rounded.
    if (this.dueNs <= nowNs) this.dueNs += period;
  }

  #keep(timeNs: number): void {
    const { timesNs, owners } = this;
    const again = this.count > 0 && timesNs[this.count - 1] === timeNs;
    const slot = again ? this.count - 1 : this.count;
    countOwners(this.#source, owners, slot * OWNER_COLUMNS);
    if (slot > 0 && this.#same(slot, slot - 1)) {
      this.count = slot;
      return;
    }
    timesNs[slot] = timeNs;
    this.count = slot + 1;
    while (this.count > OWNER_POINTS - 1) this.#thin();
  }

  /** Doubles the period: of the points up to a point of the new grid, the last says what held. */
  #thin(): void {
    const { timesNs, owners } = this;
    this.#periodNs *= 2;
    const period = this.#periodNs;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const gridNs = Math.ceil(timesNs[i]! / period) * period;
      if (kept > 0 && timesNs[kept - 1] === gridNs) kept--;
      timesNs[kept] = gridNs;
      owners.copyWithin(kept * OWNER_COLUMNS, i * OWNER_COLUMNS, (i + 1) * OWNER_COLUMNS);
      kept++;
    }
    this.count = kept;
  }

  #same(a: number, b: number): boolean {
    const { owners } = this;
    for (let k = 0; k < OWNER_COLUMNS; k++) {
      if (owners[a * OWNER_COLUMNS + k] !== owners[b * OWNER_COLUMNS + k]) return false;
    }
    return true;
  }
}
