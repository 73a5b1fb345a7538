import { InvariantViolation } from "../ledger/invariant.js";
import type { NetmemTable, NetmemVisit } from "../netmem/netmem-table.js";

/**
 * The memory of one zcrx instance (struct io_zcrx_area) and its free list, a stack.
 *
 *      table      ....[first ............ first + count - 1]....
 *      freelist   [0][1][2] ... [count-1]     top is taken first: the highest niov to begin with
 *
 * User references stand in the netmem table (NM_USER), beside pp_ref_count.
 */
export class ZcrxArea {
  readonly first: number;
  readonly count: number;
  /** log2 of the bytes of a niov. */
  readonly niovShift: number;
  /** False for a dma-buf area, whose bytes no CPU reads or writes: no copy fallback. */
  readonly userMemory: boolean;
  /** Whether the area is mapped for DMA. */
  mapped = false;
  freeCount: number;
  readonly #freelist: Int32Array;
  readonly #isFree: Uint8Array;

  /** Takes netmems `first` to `first + count - 1` of the table. */
  constructor(table: NetmemTable, first: number, count: number, userMemory: boolean) {
    this.first = first;
    this.count = count;
    this.niovShift = Math.log2(table.geometry.netmemBytes);
    this.userMemory = userMemory;
    this.freeCount = count;
    this.#freelist = new Int32Array(count);
    this.#isFree = new Uint8Array(count).fill(1);
    for (let i = 0; i < count; i++) this.#freelist[i] = i;
  }

  /** __io_zcrx_get_free_niov: a netmem, or -1. */
  take(): number {
    if (this.freeCount === 0) return -1;
    const i = this.#freelist[--this.freeCount]!;
    this.#isFree[i] = 0;
    return this.first + i;
  }

  /** io_zcrx_return_niov_freelist. */
  give(netmem: number): void {
    const i = netmem - this.first;
    if (this.#isFree[i] !== 0) throw new InvariantViolation(4, `niov ${i} twice on the freelist`);
    this.#isFree[i] = 1;
    this.#freelist[this.freeCount++] = i;
  }

  /** Whether a netmem is one of the area's. */
  owns(netmem: number): boolean {
    return netmem >= this.first && netmem < this.first + this.count;
  }

  /** Shows the free list. */
  walkFree(visit: NetmemVisit): void {
    visit(this.#freelist, this.freeCount, this.first);
  }
}
