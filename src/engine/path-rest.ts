import type { Application } from "./app/application.js";
import { type Rebased, rebaseTimes, type VirtualClock } from "./clock/virtual-clock.js";
import type { ReceiveQueue } from "./driver/receive-queue.js";
import type { DelayedWork } from "./lifecycle/delayed-work.js";
import type { PoolTable } from "./page-pool/pool-table.js";

/**
 * Polls in a row without a packet after which only the service task looks at dry rings: a drained
 * path is at rest, and a gap in the capture is passed over up to what happens next in it. Else a
 * timestamp that lies by decades would cost a poll a second.
 */
export const MAX_IDLE_POLLS = 64;
/** Service tasks run on whole seconds of model time. */
const SERVICE_NS = 1e9;
/** Tries to free detached pools in a row, with nothing between them, before others are passed. */
const MAX_IDLE_TRIES = 4;
const NEVER = Number.POSITIVE_INFINITY;

/** What acts on a path by itself. */
interface Actors {
  readonly clock: VirtualClock;
  readonly app: Application;
  readonly pools: PoolTable;
}

/**
 * Passes over what a path at rest would do again and again: look at dry rings, try to free pools
 * whose netmems nobody gives back.
 *
 *      packet ... [poll][poll][poll] . . . . . . . . . . . . packet     polls, each second
 *                 [try] [try] [try] [try] . . . . . . . . .  [try]      tries, each second
 *                                         passed, counted
 */
export class PathRest implements Rebased {
  readonly #actors: Actors;
  readonly #queues: readonly ReceiveQueue[];
  readonly #work: DelayedWork;
  /** When application and delayed work were next, at the last try; and tries since they changed. */
  readonly #seenNs = new Float64Array(2).fill(NEVER);
  #tries = 0;

  constructor(actors: Actors, queues: readonly ReceiveQueue[], work: DelayedWork) {
    this.#actors = actors;
    this.#queues = queues;
    this.#work = work;
    actors.clock.follow(this);
  }

  /**
   * The next looks at dry rings would find what the last ones did: they wait until something else
   * has happened, be it a packet, an application's step or a pool's.
   */
  passIdle(): void {
    const { clock, app, pools } = this.#actors;
    const nextNs = Math.min(clock.horizonNs, app.nextNs, pools.nextRetryNs);
    if (nextNs === NEVER) return;
    const lookNs = (Math.floor(nextNs / SERVICE_NS) + 1) * SERVICE_NS;
    for (const queue of this.#queues) {
      if (queue.pending === 0 && queue.dueNs < lookNs) queue.dueNs = lookNs;
    }
  }

  /**
   * A try to free pools: until when further ones would find what this one does. Model time of what
   * happens next; minus Infinity while something happened since the last tries, or if nothing will.
   */
  untilNs(idlePolls: number): number {
    const { clock, app } = this.#actors;
    const seen = this.#seenNs;
    const same = app.nextNs === seen[0] && this.#work.nextNs === seen[1];
    this.#tries = same && this.#rest(idlePolls) ? this.#tries + 1 : 0;
    seen[0] = app.nextNs;
    seen[1] = this.#work.nextNs;
    const nextNs = Math.min(clock.horizonNs, app.nextNs, this.#work.nextNs);
    return this.#tries < MAX_IDLE_TRIES || nextNs === NEVER ? Number.NEGATIVE_INFINITY : nextNs;
  }

  rebase(deltaNs: number): void {
    rebaseTimes(this.#seenNs, deltaNs);
  }

  /** No queue has anything to do: none is due, or all that is due are looks at dry rings. */
  #rest(idlePolls: number): boolean {
    if (this.#queues.some((queue) => queue.pending > 0)) return false;
    return idlePolls > MAX_IDLE_POLLS || this.#queues.every((queue) => queue.dueNs === NEVER);
  }
}
