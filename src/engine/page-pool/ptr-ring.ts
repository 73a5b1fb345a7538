/**
 * The pool's ring (include/linux/ptr_ring.h): any CPU produces, the pool's consumer consumes.
 *
 *      queue   [ 0 ][ n+1 ][ n+1 ][ n+1 ][ n+1 ][ 0 ] ... [ 0 ]      0 is the kernel's NULL
 *                     ^             ^             ^
 *               consumerTail   consumerHead    producer
 *
 * A slot is free for the producer when it is NULL. The consumer clears the slots it has passed not
 * one by one but 16 at a time (`batch`: two cache lines of pointers) or at the end of the array, so
 * a ring can refuse a netmem although up to 15 slots were consumed already. That decides when
 * ring_full rises, hence the same rule here. Sizes need not be powers of two.
 */
export class PtrRing {
  readonly size: number;
  /** Netmems in the ring. */
  count = 0;
  readonly #queue: Int32Array;
  readonly #batch: number;
  #producer = 0;
  #consumerHead = 0;
  #consumerTail = 0;

  constructor(size: number) {
    this.size = size;
    this.#queue = new Int32Array(size);
    this.#batch = 16 > size / 2 ? 1 : 16;
  }

  /** __ptr_ring_produce: false when the next slot is still taken. */
  produce(n: number): boolean {
    const at = this.#producer;
    const queue = this.#queue;
    if (queue[at] !== 0) return false;
    queue[at] = n + 1;
    this.#producer = at + 1 === this.size ? 0 : at + 1;
    this.count++;
    return true;
  }

  /** __ptr_ring_empty. */
  get empty(): boolean {
    return this.#queue[this.#consumerHead] === 0;
  }

  /** __ptr_ring_consume: the oldest netmem, or -1. */
  consume(): number {
    const queue = this.#queue;
    const at = this.#consumerHead;
    const entry = queue[at]!;
    if (entry === 0) return -1;
    this.count--;
    const head = at + 1;
    const end = head === this.size;
    if (end || head - this.#consumerTail >= this.#batch) {
      queue.fill(0, this.#consumerTail, head);
      this.#consumerTail = end ? 0 : head;
    }
    this.#consumerHead = end ? 0 : head;
    return entry - 1;
  }

  /** Visits the netmems in the ring, oldest first. */
  walk(visit: (netmem: number) => void): void {
    for (let k = 0; k < this.count; k++) {
      visit(this.#queue[(this.#consumerHead + k) % this.size]! - 1);
    }
  }
}
