/**
 * A set of states, each a row of words, numbered in the order in which they came in.
 *
 *      words   [state 0 ....][state 1 ....][state 2 ....]
 *      slots   open addressing: 0 for empty, else state number + 1; doubled at 50 %
 *
 * States are compared word by word, so a hash collision costs time and never loses a state.
 */
export class StateStore {
  /** States in the set. */
  count = 0;
  readonly #width: number;
  #words: Int32Array;
  #slots = new Int32Array(1 << 12);

  /** A set of states of `width` words each. */
  constructor(width: number) {
    this.#width = width;
    this.#words = new Int32Array(width << 11);
  }

  /** The number of a state; `added` tells whether it is new. */
  add(state: Int32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hash(state) & mask;
    for (;;) {
      const entry = this.#slots[slot]!;
      if (entry === 0) break;
      if (this.#equals(entry - 1, state)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    if ((this.count + 1) * this.#width > this.#words.length) this.#widen();
    this.#words.set(state, this.count * this.#width);
    this.#slots[slot] = ++this.count;
    if (this.count * 2 > this.#slots.length) this.#rehash();
    return this.count - 1;
  }

  /** Copies state number `i` into `into`. */
  read(i: number, into: Int32Array): void {
    const at = i * this.#width;
    for (let k = 0; k < this.#width; k++) into[k] = this.#words[at + k]!;
  }

  #equals(i: number, state: Int32Array): boolean {
    const at = i * this.#width;
    for (let k = 0; k < this.#width; k++) {
      if (this.#words[at + k] !== state[k]) return false;
    }
    return true;
  }

  #widen(): void {
    const wider = new Int32Array(this.#words.length * 2);
    wider.set(this.#words);
    this.#words = wider;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let i = 0; i < this.count; i++) {
      const at = i * this.#width;
      let slot = hash(this.#words.subarray(at, at + this.#width)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    }
    this.#slots = slots;
  }
}

/** murmur3's mixing, one round a word. */
function hash(state: Int32Array): number {
  let h = 0x9e3779b9;
  for (let k = 0; k < state.length; k++) {
    h = Math.imul(h ^ Math.imul(state[k]!, 0xcc9e2d51), 0x1b873593);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}
