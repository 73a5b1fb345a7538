import type { Application, ApplicationCounts } from "../app/application.js";
import type { HoldRing } from "../app/hold-ring.js";
import type { VirtualClock } from "../clock/virtual-clock.js";

const NEVER = Number.POSITIVE_INFINITY;

/**
 * An application that can be late, hang or die. Around the real one, at the host's side of it: the
 * host asks when its next step is, and is told something else.
 *
 *      alive       next step of the one inside
 *      slow        that step, but no sooner than `by` after the last one
 *      hung        the end of the hang; never, if it has none
 *      dead        only to close the sockets that data still opens: nobody listens any more
 */
export class FaultyApplication implements Application {
  readonly inner: Application;
  readonly #clock: VirtualClock;
  readonly #close: (sock: number) => void;
  readonly #orphans: number[] = [];
  #dead = false;
  #hungUntilNs = Number.NEGATIVE_INFINITY;
  #slowUntilNs = Number.NEGATIVE_INFINITY;
  #slowByNs = 0;
  #lastNs = Number.NEGATIVE_INFINITY;

  /** `close` is close() of a socket, which the kernel does for the dead. */
  constructor(inner: Application, clock: VirtualClock, close: (sock: number) => void) {
    this.inner = inner;
    this.#clock = clock;
    this.#close = close;
  }

  get nextNs(): number {
    const { nextNs } = this.inner;
    const nowNs = this.#clock.nowNs;
    if (this.#dead) return this.#orphans.length > 0 ? nowNs : NEVER;
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

  /** A dead or hung application gives nothing back, so nobody needs to wait for it. */
  get heldCount(): number {
    return this.#silent ? 0 : this.inner.heldCount;
  }

  get dead(): boolean {
    return this.#dead;
  }

  run(): void {
    if (this.#dead) {
      for (const sock of this.#orphans.splice(0)) this.#close(sock);
      return;
    }
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
    if (this.#dead) this.#orphans.push(sock);
    else this.inner.dataReady(sock, queue);
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

  /** The process is gone; the caller closes what it had open. */
  die(): void {
    this.#dead = true;
  }

  /** Nothing happens for a time, or for ever (Infinity). */
  hang(forNs: number): void {
    this.#hungUntilNs = this.#clock.nowNs + forNs;
  }

  /** Each step comes `byNs` after the one before at the earliest, for a time. */
  slow(byNs: number, forNs: number): void {
    this.#slowByNs = byNs;
    this.#slowUntilNs = this.#clock.nowNs + forNs;
  }

  /** From now on what is read is held `byNs` longer; Infinity: until the end. */
  hold(byNs: number): void {
    for (const ring of this.inner.held) {
      ring.holdNs += byNs;
      ring.settle();
    }
  }

  get #silent(): boolean {
    return this.#dead || this.#hungUntilNs === NEVER;
  }
}
