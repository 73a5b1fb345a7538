/** Directions that were sent something since they were read last, in the order of the first. */
export class Touched {
  count = 0;
  readonly #list: Int32Array;
  readonly #isIn: Uint8Array;
  /** When each of them was sent something first. */
  readonly #sinceNs: Float64Array;

  constructor(directions: number) {
    this.#list = new Int32Array(directions);
    this.#isIn = new Uint8Array(directions);
    this.#sinceNs = new Float64Array(directions);
  }

  add(direction: number, nowNs: number): void {
    if (this.#isIn[direction] === 1) return;
    this.#isIn[direction] = 1;
    this.#sinceNs[direction] = nowNs;
    this.#list[this.count++] = direction;
  }

  /** The direction at place `i`, from 0 to `count`. */
  at(i: number): number {
    return this.#list[i]!;
  }

  /**
   * Hands out those that were touched at `untilNs` or before, and forgets the ones of which `visit`
   * says that they are done with for now.
   */
  take(untilNs: number, visit: (direction: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const direction = this.#list[i]!;
      if (this.#sinceNs[direction]! <= untilNs && visit(direction)) this.#isIn[direction] = 0;
      else this.#list[kept++] = direction;
    }
    this.count = kept;
  }
}
