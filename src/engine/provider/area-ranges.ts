/**
 * Who has which part of the netmem area. A process that registers memory again brings memory of its
 * own, while pools of the process before it may still hold netmems of the old one.
 *
 *      table   [ range 0 ][ range 1 ][ range 2 ] ...      each of `netmems`
 *      user      freed       in use     none yet          range 0 is the next one's
 */
export class AreaRanges {
  readonly #netmems: number;
  readonly #users: Array<{ readonly freed: boolean } | null>;

  /** Cuts an area of `areaNetmems` into ranges of `netmems` each. */
  constructor(areaNetmems: number, netmems: number) {
    this.#netmems = netmems;
    this.#users = new Array(Math.floor(areaNetmems / netmems)).fill(null);
  }

  /** First netmem of a range that nobody has any more, -1 where all are in use. */
  find(): number {
    const i = this.#users.findIndex((user) => user === null || user.freed);
    return i < 0 ? -1 : i * this.#netmems;
  }

  /** The range that starts at `first` belongs to `user` until that is freed. */
  assign(first: number, user: { readonly freed: boolean }): void {
    this.#users[first / this.#netmems] = user;
  }
}
