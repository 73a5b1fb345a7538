/** Where each packet of a capture goes: a direction, or a verdict below 0; by packet number. */
export class Routes {
  #route = new Int32Array(4096);
  #count = 0;

  /** Number of the packet that is next. */
  get count(): number {
    return this.#count;
  }

  push(to: number): void {
    if (this.#count === this.#route.length) {
      const longer = new Int32Array(this.#count * 2);
      longer.set(this.#route);
      this.#route = longer;
    }
    this.#route[this.#count++] = to;
  }

  of(packet: number): number {
    return this.#route[packet]!;
  }
}
