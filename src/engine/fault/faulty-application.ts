import type { Application, ApplicationCounts } from "../app/application.js";
import type { HoldRing } from "../app/hold-ring.js";
import type { VirtualClock } from "../clock/virtual-clock.js";

const NEVER = Number.POSITIVE_INFINITY;

/**
 * An application that can be late or hang. Around the real one, at the host's side of it: the host
 * asks when its next step is, and is told something else.
 *
 *      alive       next step of the one inside
 *      slow        that step, but no sooner than `by` after the last one
 *      hung        the end of the hang; never, if it has none
 */
export class FaultyApplication implements Application {
  readonly inner: Application;
  readonly #clock: VirtualClock;
  #hungUntilNs = Number.NEGATIVE_INFINITY;
  #slowUntilNs = Number.NEGATIVE_INFINITY;
  #slowByNs = 0;
  #lastNs = Number.NEGATIVE_INFINITY;
  /** Hold times of before while it hoards, null while it does not. */
  #hoarded: number[] | null = null;

  constructor(inner: Application, clock: VirtualClock) {
    this.inner = inner;
    this.#clock = clock;
  }

  get nextNs(): number {
    const { nextNs } = this.inner;
    const nowNs = this.#clock.nowNs;
    if (nextNs === NEVER) return NEVER;
    let ns = nextNs;
    if (this.#lastNs + this.#slowByNs > ns && this.#slowUntilNs > nowNs) {
      ns = this.#lastNs + this.#slowByNs;
    }
    return ns < this.#hungUntilNs ? this.#hungUntilNs : ns;
  }

  get counts(): ApplicationCounts {
    return this.inner.counts;
  }

  get held(): readonly HoldRing[] {
    return this.inner.held;
  }

  /** An application that hangs for ever gives nothing back, so nobody needs to wait for it. */
  get heldCount(): number {
    return this.#silent ? 0 : this.inner.heldCount;
  }

  run(): void {
    const { horizonNs } = this.#clock;
    // One step at a time: the one inside must not go on by itself.
    if (this.#slowUntilNs > this.#clock.nowNs) this.#clock.horizonNs = Number.NEGATIVE_INFINITY;
    this.#lastNs = this.#clock.nowNs;
    this.inner.run();
    this.#clock.horizonNs = horizonNs;
  }

  giveBackAll(): void {
    if (!this.#silent) this.inner.giveBackAll();
  }

  dataReady(sock: number, queue: number): void {
    this.inner.dataReady(sock, queue);
  }

  exit(): void {
    this.inner.exit();
  }

  start(): void {
    this.#hungUntilNs = Number.NEGATIVE_INFINITY;
    this.#slowUntilNs = Number.NEGATIVE_INFINITY;
    this.inner.start();
  }

  releaseUserFrags(sock: number): void {
    this.inner.releaseUserFrags(sock);
  }

  rebase(deltaNs: number): void {
    this.inner.rebase(deltaNs);
    this.#hungUntilNs -= deltaNs;
    this.#slowUntilNs -= deltaNs;
    this.#lastNs -= deltaNs;
  }

  /** Nothing happens for a time, or for ever (Infinity); a longer hang goes on. */
  hang(forNs: number): void {
    this.#hungUntilNs = Math.max(this.#hungUntilNs, this.#clock.nowNs + forNs);
  }

  /** Each step comes `byNs` after the one before at the earliest, for a time. */
  slow(byNs: number, forNs: number): void {
    this.#slowByNs = byNs;
    this.#slowUntilNs = this.#clock.nowNs + forNs;
  }

  /** From now on what is read is held `byNs` longer; Infinity: until the end. */
  hold(byNs: number): void {
    if (Number.isFinite(byNs)) this.#hoarded = this.#hoarded?.map((ns) => ns + byNs) ?? null;
    for (const ring of this.inner.held) {
      ring.holdNs += byNs;
      ring.settle();
    }
  }

  /** Nothing is given back until {@link resume}. */
  hoard(): void {
    this.#hoarded ??= this.inner.held.map((ring) => ring.holdNs);
    this.hold(NEVER);
  }

  /** Ends hoarding: what was held long enough is given back at once. */
  resume(): void {
    const before = this.#hoarded;
    if (before === null) return;
    this.#hoarded = null;
    this.inner.held.forEach((ring, i) => {
      ring.holdNs = before[i] ?? 0;
      ring.settle();
    });
    // What was due while it hoarded is due now, not in the past.
    this.hang(0);
  }

  get #silent(): boolean {
    return this.#hungUntilNs === NEVER;
  }
}
