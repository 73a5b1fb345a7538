/**
 * A first-in first-out list of sockets: a power-of-two ring that doubles when it is full.
 *
 *      slots   [ . ][ s ][ s ][ s ][ . ][ . ][ . ][ . ]
 *                     ^ head & mask     ^ (head + count) & mask
 */
export class SocketRing {
  count = 0;
  #slots = new Int32Array(16);
  #head = 0;

  /** Appends a socket. */
  push(sock: number): void {
    if (this.count === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.count++) & (this.#slots.length - 1)] = sock;
  }

  /** Takes the oldest socket, -1 from an empty ring. */
  shift(): number {
    if (this.count === 0) return -1;
    const sock = this.#slots[this.#head]!;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.count--;
    return sock;
  }

  /** Forgets all sockets. */
  clear(): void {
    this.count = 0;
  }

  #grow(): void {
    const old = this.#slots;
    const wider = new Int32Array(old.length * 2);
    for (let k = 0; k < this.count; k++) wider[k] = old[(this.#head + k) & (old.length - 1)]!;
    this.#slots = wider;
    this.#head = 0;
  }
}
