import type { Ledger } from "../ledger/ledger.js";
import type { NetmemReturn } from "../netmem/netmem-return.js";
import type { NetmemTable } from "../netmem/netmem-table.js";

/** The pool that a buffer ring is refilled from. */
export interface BufferPool extends NetmemReturn {
  /** A netmem for the driver, or -1 (page_pool_alloc_netmems). */
  alloc(): number;
}

/**
 * One descriptor ring of netmems, such as fbnic's HPQ or PPQ. Positions only grow; a slot is a
 * position masked.
 *
 *            cleaned            hw          posted
 *      ......[ passed, to drain ][ current .. ]...... free ......
 *                                 ^ offset: where the NIC writes next in the current netmem
 *
 * Each posted netmem carries a fragment bias; when the hardware has passed it, `clean` gives up
 * what is left of the bias, and the last frag's put returns it to the pool.
 */
export class BufferRing {
  readonly netmemBytes: number;
  readonly slots: Int32Array;
  readonly mask: number;
  /** Positions: next to post, being written, next to drain. */
  posted = 0;
  hw = 0;
  cleaned = 0;
  /** The netmem that the NIC writes, -1 while the ring is dry, and its arena address. */
  netmem = -1;
  base = 0;
  /** Byte offset in the current netmem. */
  offset = 0;
  readonly #bias: number;
  readonly #perNetmem: number;
  readonly #pool: BufferPool;
  readonly #ledger: Ledger;
  readonly #table: NetmemTable;

  constructor(size: {
    netmems: number;
    netmemBytes: number;
    /** Bytes of one descriptor. */
    hwPageBytes: number;
    bias: number;
    pool: BufferPool;
    ledger: Ledger;
    table: NetmemTable;
  }) {
    this.slots = new Int32Array(size.netmems);
    this.mask = size.netmems - 1;
    this.netmemBytes = size.netmemBytes;
    this.#bias = size.bias;
    this.#perNetmem = size.netmemBytes / size.hwPageBytes;
    this.#pool = size.pool;
    this.#ledger = size.ledger;
    this.#table = size.table;
  }

  /** Bytes that the NIC can still write. */
  get roomBytes(): number {
    return (this.posted - this.hw) * this.netmemBytes - this.offset;
  }

  /** Descriptors in use, each a hardware page of `hwPageBytes` (fbnic_desc_used). */
  get descriptors(): number {
    return (this.posted - this.cleaned) * this.#perNetmem;
  }

  /** The current netmem is full: the NIC goes on with the next one. */
  advance(): void {
    this.hw++;
    this.offset = 0;
    this.#load();
  }

  /** Posts a netmem in every free descriptor; false when the pool ran out (fbnic_fill_bdq). */
  refill(): boolean {
    const end = this.cleaned + this.mask + 1;
    while (this.posted < end) {
      const netmem = this.#pool.alloc();
      if (netmem < 0) break;
      this.#ledger.post(netmem, this.#bias);
      this.slots[this.posted++ & this.mask] = netmem;
    }
    if (this.netmem < 0) this.#load();
    return this.posted === end;
  }

  /** Drains the netmems up to position `to`, which the hardware has passed (fbnic_clean_bdq). */
  clean(to: number): void {
    while (this.cleaned < to) {
      const netmem = this.slots[this.cleaned++ & this.mask]!;
      if (this.#ledger.drain(netmem)) this.#pool.putUnrefed(netmem);
    }
  }

  /** Gives back every posted netmem (ndo_queue_stop: the hardware is silent). */
  flush(): void {
    this.clean(this.posted);
    this.hw = this.posted;
    this.offset = 0;
    this.netmem = -1;
  }

  #load(): void {
    if (this.hw === this.posted) {
      this.netmem = -1;
      return;
    }
    this.netmem = this.slots[this.hw & this.mask]!;
    this.base = this.#table.addressOf(this.netmem);
  }
}
