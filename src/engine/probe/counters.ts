/**
 * A fixed set of named counters over one typed array: an index in hot code, a name in the record.
 */
export class Counters {
  readonly names: readonly string[];
  readonly values: Float64Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.values = new Float64Array(names.length);
  }

  /** The counters that are not zero, by name. */
  nonZero(): Record<string, number> {
    const found: Record<string, number> = {};
    this.names.forEach((name, i) => {
      if (this.values[i]! !== 0) found[name] = this.values[i]!;
    });
    return found;
  }
}
