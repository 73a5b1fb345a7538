import type { Rebased, VirtualClock } from "../clock/virtual-clock.js";

/** One piece of work and when it is due. */
interface Item {
  atNs: number;
  readonly work: () => void;
}

/**
 * Work that the kernel leaves for later (schedule_work, schedule_delayed_work, timers), and events
 * that are planned for a model time.
 *
 *      items   [ due ][ later ][ later still ] ...     by time; equal times in the order of asking
 *
 * Work that is due runs between two steps of the receive path, never inside one.
 */
export class DelayedWork implements Rebased {
  /** Model time of the first item, Infinity for none. */
  nextNs = Number.POSITIVE_INFINITY;
  /** Tells the path's loop that something may be due sooner than it thought. */
  wake: () => void = () => {};
  readonly #items: Item[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    clock.follow(this);
  }

  /** Runs `work` at model time `atNs`, at once if that has passed: then as the next step. */
  at(atNs: number, work: () => void): void {
    const items = this.#items;
    const dueNs = Math.max(atNs, this.#clock.nowNs);
    let i = items.length;
    while (i > 0 && items[i - 1]!.atNs > dueNs) i--;
    items.splice(i, 0, { atNs: dueNs, work });
    this.nextNs = items[0]!.atNs;
    this.wake();
  }

  /** Runs `work` in `delayNs`, with 0 as the next step (schedule_delayed_work, schedule_work). */
  after(delayNs: number, work: () => void): void {
    this.at(this.#clock.nowNs + delayNs, work);
  }

  /** Runs what is due, and what that asks for at the same time. */
  run(): void {
    const items = this.#items;
    while (items.length > 0 && items[0]!.atNs <= this.#clock.nowNs) items.shift()!.work();
    this.nextNs = items.length > 0 ? items[0]!.atNs : Number.POSITIVE_INFINITY;
  }

  rebase(deltaNs: number): void {
    for (const item of this.#items) item.atNs -= deltaNs;
    this.nextNs -= deltaNs;
  }
}
