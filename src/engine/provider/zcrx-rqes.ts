import { type NetmemTable, NM_POOL, NM_PP_REF, NM_WORDS } from "../netmem/netmem-table.js";
import type { ZcrxAreas } from "./zcrx-areas.js";
import { RQE_OFF_HIGH, RQE_OFF_LOW, RQE_PAD, type ZcrxRefillRing } from "./zcrx-refill-ring.js";

/** Reads the entries of a refill ring as the kernel does (io_parse_rqe). */
export class ZcrxRqes {
  /** Entries consumed without effect: malformed, or without a user reference to give. */
  rejected = 0;
  readonly #ring: ZcrxRefillRing;
  readonly #areas: ZcrxAreas;
  readonly #table: NetmemTable;
  readonly #wraps: boolean;

  /** `wraps`: a model that takes any index for one of the area's (row F35). */
  constructor(ring: ZcrxRefillRing, areas: ZcrxAreas, table: NetmemTable, wraps = false) {
    this.#wraps = wraps;
    this.#ring = ring;
    this.#areas = areas;
    this.#table = table;
  }

  /** io_parse_rqe: the netmem that an entry names, -1 for a malformed one. */
  parse(entry: number): number {
    const { words } = this.#ring;
    const at = this.#ring.wordOf(entry);
    const area = this.#areas.list[words[at + RQE_OFF_HIGH]! >>> 16];
    if (words[at + RQE_PAD] !== 0 || area === undefined) return this.reject();
    const high = words[at + RQE_OFF_HIGH]! & 0xffff;
    const shift = area.niovShift;
    // Niov index: bits of the 48-bit offset above the shift. More than 31 bits are out of range.
    if (high >>> shift !== 0) return this.reject();
    const index = ((words[at + RQE_OFF_LOW]! >>> shift) | (high << (32 - shift))) >>> 0;
    if (index < area.count) return area.first + index;
    return this.#wraps ? area.first + (index % area.count) : this.reject();
  }

  /** Counts an entry without effect; answers -1. */
  reject(): number {
    this.rejected++;
    return -1;
  }

  /**
   * Netmems of a pool all of whose references wait in the ring as entries not yet consumed. Copy
   * fallbacks wait there too, but belong to no pool.
   */
  returning(): number {
    const waiting = new Map<number, number>();
    const { rejected } = this;
    for (let i = 0; i < this.#ring.pending; i++) {
      const n = this.parse(this.#ring.peek(i));
      if (n >= 0) waiting.set(n, (waiting.get(n) ?? 0) + 1);
    }
    this.rejected = rejected;
    const { words } = this.#table;
    let found = 0;
    for (const [n, nr] of waiting) {
      const at = n * NM_WORDS;
      if (words[at + NM_POOL] !== 0 && words[at + NM_PP_REF] === nr) found++;
    }
    return found;
  }
}
