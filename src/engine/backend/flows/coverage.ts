/**
 * Which bytes of a stream were seen, counted from its first one.
 *
 *      0 ............ next      [from .. to]   [from .. to]
 *      in order, all of it      ahead, in order and apart
 */
export class Coverage {
  /** Bytes without a hole from the start. */
  next = 0;
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  /** Pieces that lie behind a hole. */
  get ahead(): number {
    return this.#from.length;
  }

  /** Takes bytes `from` to `to`; true if `next` moved. */
  add(from: number, to: number): boolean {
    if (to <= this.next) return false;
    if (from > this.next) {
      this.#insert(from, to);
      return false;
    }
    this.next = to;
    while (this.#from.length > 0 && this.#from[0]! <= this.next) {
      this.#from.shift();
      this.next = Math.max(this.next, this.#to.shift()!);
    }
    return true;
  }

  /** Forgets what lies behind holes: nothing of it will ever be read. */
  dropAhead(): void {
    this.#from.length = 0;
    this.#to.length = 0;
  }

  /**
   * The start moves back by `bytes`, or on where they are below 0: what was in order waits for what
   * comes before it, and what lies before the start is not looked at any more.
   */
  shift(bytes: number): void {
    const from = [0, ...this.#from];
    const to = [this.next, ...this.#to];
    this.next = 0;
    this.dropAhead();
    from.forEach((start, i) => {
      const end = to[i]! + bytes;
      if (end > start + bytes) this.add(start + bytes, end);
    });
  }

  #insert(from: number, to: number): void {
    let first = this.#from.length;
    while (first > 0 && this.#to[first - 1]! >= from) first--;
    let last = first;
    let low = from;
    let high = to;
    while (last < this.#from.length && this.#from[last]! <= high) {
      low = Math.min(low, this.#from[last]!);
      high = Math.max(high, this.#to[last]!);
      last++;
    }
    this.#from.splice(first, last - first, low);
    this.#to.splice(first, last - first, high);
  }
}
