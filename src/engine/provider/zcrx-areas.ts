import type { ZcrxArea } from "./zcrx-area.js";

/**
 * The areas of one zcrx instance, by area id (bits 48 and up of an RQE's `off`).
 *
 *      id      0 (with the registration)   1, 2 ... (ZCRX_CTRL_ADD_AREA, 7.1 and later)
 *      list    [ area ][ area ][ area ]    all of one niov size, in any place of the table
 *
 * A niov is taken from the first area that has one free.
 */
export class ZcrxAreas {
  readonly list: ZcrxArea[];

  constructor(first: ZcrxArea) {
    this.list = [first];
  }

  /** A niov of the first area that has one, or -1. */
  take(): number {
    const { list } = this;
    for (let id = 0; id < list.length; id++) {
      const n = list[id]!.take();
      if (n >= 0) return n;
    }
    return -1;
  }

  /** Gives a niov back to its area's free list. */
  give(netmem: number): void {
    this.of(netmem)!.give(netmem);
  }

  /** The area that a netmem is a niov of, or null. */
  of(netmem: number): ZcrxArea | null {
    const { list } = this;
    for (let id = 0; id < list.length; id++) if (list[id]!.owns(netmem)) return list[id]!;
    return null;
  }

  /** Niovs in all areas. */
  get count(): number {
    return this.list.reduce((sum, area) => sum + area.count, 0);
  }

  /** Niovs on all free lists. */
  get freeCount(): number {
    return this.list.reduce((sum, area) => sum + area.freeCount, 0);
  }

  /** Whether any area is mapped for DMA. */
  get mapped(): boolean {
    return this.list.some((area) => area.mapped);
  }

  /** Maps or unmaps all areas. */
  set mapped(mapped: boolean) {
    for (const area of this.list) area.mapped = mapped;
  }
}
