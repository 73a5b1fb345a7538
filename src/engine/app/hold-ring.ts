import { rebaseTimes } from "../clock/virtual-clock.js";

/** Words an entry. */
export const HOLD_WORDS = 2;

/**
 * What one reader thread holds, in the order in which it was read: a power-of-two ring that doubles
 * when it is full.
 *
 *      words     [ socket ][ token ]      devmem
 *                [ netmem ][ bytes ]      zcrx
 *      readNs    [ time    ]              when it was read
 *
 * Give-backs are made in this order, `batch` at a time, `holdNs` after the read. The caller of push
 * writes the time straight into its column: passed as an argument it would cost a heap number.
 */
export class HoldRing {
  words = new Int32Array(64 * HOLD_WORDS);
  readNs = new Float64Array(64);
  count = 0;
  /**
   * When a whole batch will have been held for the hold time, Infinity while there is none; as of
   * the last {@link settle}.
   */
  dueNs = Number.POSITIVE_INFINITY;
  readonly #batch: number;
  /** Time from read until given back. */
  holdNs: number;
  #head = 0;
  #mask = 63;

  constructor(batch: number, holdNs: number) {
    this.#batch = batch;
    this.holdNs = holdNs;
  }

  /** Appends an entry; the caller writes its time to `readNs` at the slot returned. */
  push(first: number, second: number): number {
    if (this.count > this.#mask) this.#grow();
    const slot = (this.#head + this.count++) & this.#mask;
    this.words[slot * HOLD_WORDS] = first;
    this.words[slot * HOLD_WORDS + 1] = second;
    return slot;
  }

  /** Slot of the oldest entry, which leaves the ring; its columns stay until the next push. */
  shift(): number {
    const slot = this.#head;
    this.#head = (slot + 1) & this.#mask;
    this.count--;
    return slot;
  }

  /** The youngest entry leaves the ring: its holder never knew of it. */
  pop(): void {
    this.count--;
  }

  /** Forgets everything that is held. */
  clear(): void {
    this.count = 0;
    this.dueNs = Number.POSITIVE_INFINITY;
  }

  /** Finds `dueNs` again, after entries came or went. */
  settle(): void {
    this.dueNs =
      this.count < this.#batch
        ? Number.POSITIVE_INFINITY
        : this.readNs[(this.#head + this.#batch - 1) & this.#mask]! + this.holdNs;
  }

  /** Moves the times when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    rebaseTimes(this.readNs, deltaNs);
    this.dueNs -= deltaNs;
  }

  #grow(): void {
    const { words, readNs } = this;
    const size = this.#mask + 1;
    this.words = new Int32Array(size * 2 * HOLD_WORDS);
    this.readNs = new Float64Array(size * 2);
    for (let k = 0; k < this.count; k++) {
      const slot = (this.#head + k) & this.#mask;
      this.words[k * HOLD_WORDS] = words[slot * HOLD_WORDS]!;
      this.words[k * HOLD_WORDS + 1] = words[slot * HOLD_WORDS + 1]!;
      this.readNs[k] = readNs[slot]!;
    }
    this.#head = 0;
    this.#mask = size * 2 - 1;
  }
}
