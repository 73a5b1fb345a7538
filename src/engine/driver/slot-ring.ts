import type { Ledger } from "../ledger/ledger.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import type { FragPage } from "../page-pool/frag-page.js";
import type { BufferPool } from "./buffer-ring.js";

/** The pool behind a ring of slots; buffers smaller than its pages are fragments of them. */
export interface SlotPool extends BufferPool {
  readonly frag: FragPage;
}

/**
 * A descriptor ring in which each slot is one whole buffer of one packet: bnxt's RX and aggregation
 * ring, gve's buffer queue. Positions only grow; a slot is a position masked.
 *
 *              done             hw              visible     posted
 *      ....... [ taken by the NIC ][ posted ........ ][ no doorbell ].... free ....
 *
 * A slot owns one of the driver's references: all of a netmem, or a fragment of one that its pool
 * cut (page_pool_alloc_netmem). What the NIC took belongs to a completion; the driver passes it on
 * or puts it back into the ring.
 */
export class SlotRing {
  /** Buffers that the ring holds at most. */
  readonly capacity: number;
  readonly bufferBytes: number;
  /** Positions: next to post, next for the NIC, next whose completion is to be taken. */
  posted = 0;
  hw = 0;
  done = 0;
  /** What {@link take} or {@link allocate} came to: netmem, offset in it, arena address. */
  netmem = -1;
  offset = 0;
  addr = 0;
  readonly #slots: Int32Array;
  readonly #offsets: Int32Array;
  readonly #mask: number;
  readonly #doorbell: number;
  readonly #whole: boolean;
  readonly #pool: SlotPool;
  readonly #ledger: Ledger;
  readonly #table: NetmemTable;

  constructor(size: {
    /** Slots of the ring, a power of two, and buffers that it holds at most. */
    slots: number;
    capacity: number;
    bufferBytes: number;
    netmemBytes: number;
    /** Descriptors between two doorbells, a power of two. */
    doorbell: number;
    pool: SlotPool;
    ledger: Ledger;
    table: NetmemTable;
  }) {
    this.#slots = new Int32Array(size.slots);
    this.#offsets = new Int32Array(size.slots);
    this.#mask = size.slots - 1;
    this.capacity = size.capacity;
    this.bufferBytes = size.bufferBytes;
    this.#doorbell = size.doorbell;
    this.#whole = size.bufferBytes * 2 > size.netmemBytes;
    this.#pool = size.pool;
    this.#ledger = size.ledger;
    this.#table = size.table;
  }

  /** Descriptors of the ring. */
  get size(): number {
    return this.#slots.length;
  }

  /** Buffers that the NIC can still use. */
  get room(): number {
    return (this.posted & -this.#doorbell) - this.hw;
  }

  /** Descriptors between two doorbells. */
  get doorbell(): number {
    return this.#doorbell;
  }

  /** Arena address of the buffer that the NIC uses next. */
  get nextAddr(): number {
    const slot = this.hw & this.#mask;
    return this.#table.addressOf(this.#slots[slot]!) + this.#offsets[slot]!;
  }

  /** The NIC uses the next buffer; {@link room} says that there is one. */
  take(): void {
    const slot = this.hw++ & this.#mask;
    this.netmem = this.#slots[slot]!;
    this.offset = this.#offsets[slot]!;
    this.addr = this.#table.addressOf(this.netmem) + this.offset;
  }

  /** A buffer from the pool; false when it has none. */
  allocate(): boolean {
    if (this.#whole) {
      this.netmem = this.#pool.alloc();
      this.offset = 0;
    } else {
      const { frag } = this.#pool;
      this.netmem = frag.alloc(this.bufferBytes);
      this.offset = frag.start;
    }
    return this.netmem >= 0;
  }

  /** Posts a buffer. */
  post(netmem: number, offset: number): void {
    const slot = this.posted++ & this.#mask;
    this.#slots[slot] = netmem;
    this.#offsets[slot] = offset;
  }

  /** Posts buffers while there is room for any; false when the pool ran out. */
  fill(): boolean {
    const end = this.done + this.capacity;
    while (this.posted < end) {
      if (!this.allocate()) return false;
      this.post(this.netmem, this.offset);
    }
    return true;
  }

  /** The driver gives up a buffer that nobody else holds (page_pool_put_netmem, T8). */
  putBack(netmem: number): void {
    if (this.#ledger.driverPut(netmem, 1)) this.#pool.putUnrefed(netmem);
  }

  /** Gives back every posted buffer; the completions are empty. */
  flush(): void {
    while (this.hw < this.posted) this.putBack(this.#slots[this.hw++ & this.#mask]!);
    this.posted = 0;
    this.hw = 0;
    this.done = 0;
  }
}
