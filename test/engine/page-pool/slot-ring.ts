/** The kernel's ptr_ring with real slots: NULL is cleared 16 at a time or at the array's end. */
export class SlotRing {
  readonly slots: Array<number | null>;
  producer = 0;
  consumed: number[] = [];
  head = 0;

  constructor(readonly size: number) {
    this.slots = Array.from({ length: size }, () => null);
  }

  produce(n: number): boolean {
    if (this.slots[this.producer] !== null) return false;
    this.slots[this.producer] = n;
    this.producer = (this.producer + 1) % this.size;
    return true;
  }

  consume(): number {
    const n = this.slots[this.head]!;
    if (n === null) return -1;
    this.consumed.push(this.head);
    this.head++;
    const batch = 16 > this.size / 2 ? 1 : 16;
    if (this.consumed.length >= batch || this.head === this.size) {
      for (const slot of this.consumed) this.slots[slot] = null;
      this.consumed = [];
    }
    if (this.head === this.size) this.head = 0;
    return n;
  }
}
