/**
 * A rule of the receive path was broken. The run stops; the message says which rule, where, and
 * what the netmem went through. Exit code 7.
 */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
  /** Number in the list of invariants (DOMAIN 11), or a short name where it has none. */
  readonly invariant: number | string;
  /** The netmem that it is about, -1 where it is about none. */
  readonly netmem: number;

  constructor(invariant: number | string, message: string, netmem = -1) {
    super(`invariant ${invariant}: ${message}`);
    this.invariant = invariant;
    this.netmem = netmem;
  }
}

/** Throws {@link InvariantViolation} unless `holds`. Keep `message` a constant in hot code. */
export function check(holds: boolean, invariant: number | string, message: string): void {
  if (!holds) throw new InvariantViolation(invariant, message);
}
