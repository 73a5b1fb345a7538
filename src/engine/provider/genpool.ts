/**
 * lib/genalloc.c over the niovs of a binding: first fit by address, one granule at a time.
 *
 *      chunks   [ sg entry 0 ........ ][ sg entry 1 ...... ]      a chunk an entry, rising
 *      bitmap   1 1 0 1 1 1 1 0 | 0 0 0 0 ...                     1 = allocated
 *                   ^ low: no free granule in any word before this one's
 *
 * Granules are numbered over all chunks, so that first fit over the chunk list is the lowest zero.
 */
export class Genpool {
  /** Granules in all, and those that are free (gen_pool_size, gen_pool_avail). */
  readonly size: number;
  avail: number;
  readonly #bits: Int32Array;
  #low = 0;

  constructor(granules: number) {
    this.size = granules;
    this.avail = granules;
    this.#bits = new Int32Array((granules + 31) >>> 5);
    for (let i = granules; i < this.#bits.length * 32; i++) this.#set(i);
  }

  /** gen_pool_alloc: the lowest free granule, or -1. */
  alloc(): number {
    if (this.avail === 0) return -1;
    const bits = this.#bits;
    let word = this.#low;
    while (bits[word] === -1) word++;
    const free = ~bits[word]!;
    const bit = 31 - Math.clz32(free & -free);
    bits[word]! |= 1 << bit;
    this.#low = word;
    this.avail--;
    return word * 32 + bit;
  }

  /** gen_pool_free; false if the granule was free already (the kernel has BUG there). */
  free(granule: number): boolean {
    if (!this.taken(granule)) return false;
    const word = granule >>> 5;
    this.#bits[word]! &= ~(1 << (granule & 31));
    if (word < this.#low) this.#low = word;
    this.avail++;
    return true;
  }

  /** Whether a granule is allocated. */
  taken(granule: number): boolean {
    return ((this.#bits[granule >>> 5]! >>> (granule & 31)) & 1) === 1;
  }

  /** Writes the free granules to `list`, rising, as far as it goes; how many there are. */
  listFree(list: Int32Array): number {
    const bits = this.#bits;
    let count = 0;
    for (let word = 0; word < bits.length; word++) {
      const taken = bits[word]!;
      if (taken === -1) continue;
      for (let bit = 0; bit < 32; bit++) {
        if (((taken >>> bit) & 1) === 0) list[count++] = word * 32 + bit;
      }
    }
    return count;
  }

  #set(granule: number): void {
    this.#bits[granule >>> 5]! |= 1 << (granule & 31);
  }
}
