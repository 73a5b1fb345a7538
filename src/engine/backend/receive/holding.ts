import { kernelNowNs, sleepNs } from "../clock.js";

/** How long the end of a pass waits for hold times to run out. */
const HOLD_WAIT_NS = 1e9;

/** What an application keeps for a time after it has read it. */
export interface Holding {
  /** When the oldest may go back, on the kernel's clock; Infinity where nothing is held. */
  readonly dueNs: number;
  /** A read found that all it could have mapped is held, and nothing went back since. */
  readonly full: boolean;
  /** Gives back what was held long enough. */
  release(): void;
  /** Gives everything back. */
  releaseAll(): void;
}

/** Waits until the oldest may go back, and gives it back. */
export function awaitOldest(holding: Holding | undefined): void {
  if (holding === undefined || holding.dueNs === Number.POSITIVE_INFINITY) return;
  sleepNs(Math.max(0, holding.dueNs - kernelNowNs()));
  holding.release();
}

/** Where a read needs it: waits until the oldest may go back, and gives it back. */
export function awaitRoom(holding: Holding | undefined): void {
  if (holding?.full === true) awaitOldest(holding);
}

/** Waits until what is held is due, but not for ever; then the rest goes back too. */
export function awaitAll(holding: Holding | undefined): void {
  if (holding === undefined) return;
  const untilNs = kernelNowNs() + HOLD_WAIT_NS;
  while (holding.dueNs <= untilNs) awaitOldest(holding);
  holding.releaseAll();
}
