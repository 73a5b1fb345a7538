import type { Application } from "./app/application.js";
import type { Rebased } from "./clock/virtual-clock.js";
import type { Ledger } from "./ledger/ledger.js";
import type { PoolTable } from "./page-pool/pool-table.js";
import type { Counters } from "./probe/counters.js";
import { type Interval, IntervalSeries, type Totals } from "./probe/interval-series.js";
import { OwnerSeries } from "./probe/owner-series.js";
import type { StageProbe } from "./probe/stages.js";
import type { ReceiveOptions } from "./receive-options.js";

const NEVER = Number.POSITIVE_INFINITY;

/** What the series of a path look at. */
export interface SeriesDeps {
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly drops: Counters;
  readonly stages: StageProbe;
  readonly app: Application;
}

/**
 * A receive path over time: who held the provider's netmems, always, and with `--interval` what
 * happened in each interval. Both look on between the steps of the path and change none of them.
 */
export class PathSeries implements Rebased {
  readonly owners: OwnerSeries;
  /** Whether the run is cut into intervals. */
  readonly cuts: boolean;
  readonly #deps: SeriesDeps;
  readonly #intervals: IntervalSeries | null;
  readonly #pages: boolean;
  #packets = 0;
  #bytes = 0;

  constructor(options: ReceiveOptions, deps: SeriesDeps) {
    const { intervalNs } = options;
    const source = { ledger: deps.ledger, payloadPools: () => this.#payloadPools() };
    this.#deps = deps;
    this.#pages = options.provider === "page";
    this.owners = new OwnerSeries(source);
    this.cuts = intervalNs !== null;
    this.#intervals =
      intervalNs === null ? null : new IntervalSeries(intervalNs, source, deps.stages.deliver);
  }

  /** When an actor that goes on alone has to let the series look on. */
  get dueNs(): number {
    return Math.min(this.owners.dueNs, this.cutNs);
  }

  /** When the interval under way ends; Infinity while nothing is to happen. */
  get cutNs(): number {
    return this.#intervals?.dueNs ?? NEVER;
  }

  /** So many packets and bytes had arrived before what comes next. */
  arrived(packets: number, bytes: number): void {
    this.#packets = packets;
    this.#bytes = bytes;
  }

  /**
   * When the interval that `atNs` lies in has to end: not at all while nothing is to happen, which
   * `nextNs` of Infinity says.
   */
  nextCut(atNs: number, nextNs: number): number {
    const intervals = this.#intervals!;
    if (nextNs === NEVER) intervals.sleep();
    else if (intervals.dueNs === NEVER) intervals.wake(atNs, this.#totals());
    return intervals.dueNs;
  }

  /** The interval under way ends now. */
  cut(): void {
    this.#intervals?.cut(this.#totals());
  }

  /** The interval under way ends, and nothing happens before `atNs`, which may be years later. */
  cutAndSkip(atNs: number): void {
    this.cut();
    this.#intervals?.skipTo(atNs);
  }

  /** The intervals that ended since the last call; none without `--interval`. */
  takeIntervals(): Interval[] {
    return this.#intervals?.take() ?? [];
  }

  rebase(deltaNs: number): void {
    this.owners.rebase(deltaNs);
    this.#intervals?.rebase(deltaNs);
  }

  #totals(): Totals {
    const { app, drops } = this.#deps;
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      deliveredBytes: app.counts.deliveredBytes,
      drops: drops.values.reduce((sum, times) => sum + times, 0),
    };
  }

  /** Pools with the provider's netmems; for pages, every pool. */
  #payloadPools(): number[] {
    const found: number[] = [];
    for (const pool of this.#deps.pools.pools) {
      if (pool !== null && (this.#pages || pool.provider !== null)) found.push(pool.number);
    }
    return found;
  }
}
