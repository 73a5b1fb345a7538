/**
 * The refill ring that an application shares with the kernel (include/uapi/linux/io_uring/zcrx.h).
 *
 *      header    [head u32][tail u32] ... 64 bytes        kernel writes head, application tail
 *      entries   [off u64][len u32][pad u32]              16 bytes, a power of two of them
 *
 *      off       63......48 47...................0
 *                 area id    niov << shift + offset
 *
 * The application fills entries, then publishes them all with one store to tail. The kernel reads
 * no more than `size` entries whatever tail says, and publishes head once a pass.
 */

/** Words of the header: one cache line. */
const HEADER_WORDS = 16;
const HEAD = 0;
const TAIL = 1;
/** Words of an entry and their order. */
export const RQE_WORDS = 4;
export const RQE_OFF_LOW = 0;
export const RQE_OFF_HIGH = 1;
export const RQE_LEN = 2;
export const RQE_PAD = 3;
/** IO_RQ_MAX_ENTRIES. */
export const RQ_MAX_ENTRIES = 32768;

/** See the head of this file. */
export class ZcrxRefillRing {
  readonly size: number;
  /** Header and entries: the shared memory itself, which an application may fill with anything. */
  readonly words: Uint32Array;
  /** Model time at which each entry was published, for the `pool` stage. */
  readonly postedNs: Float64Array;
  readonly #mask: number;
  /** The kernel's own copy of head, and the application's of tail. */
  protected cachedHead = 0;
  #localTail = 0;

  /**
   * A ring of `entries`, a power of two, in a region that an application may have written to. Head
   * and tail start at 0; before 4f02cc4071a1 they stayed as they were (`dirty`).
   */
  constructor(entries: number, region: Uint32Array | null = null, dirty = false) {
    this.size = entries;
    this.#mask = entries - 1;
    this.words = region ?? new Uint32Array(HEADER_WORDS + entries * RQE_WORDS);
    if (!dirty) this.words.fill(0, 0, HEADER_WORDS);
    this.postedNs = new Float64Array(entries);
  }

  /** Bytes of the region that holds a ring of `entries`. */
  static regionBytes(entries: number): number {
    return (HEADER_WORDS + entries * RQE_WORDS) * 4;
  }

  get head(): number {
    return this.words[HEAD]!;
  }

  get tail(): number {
    return this.words[TAIL]!;
  }

  /**
   * Application: writes one entry behind those not yet published, and answers its number, with
   * which the caller stamps `postedNs`; -1 if the ring is full.
   */
  post(offLow: number, offHigh: number, len: number): number {
    const words = this.words;
    const tail = this.#localTail;
    if (((tail - words[HEAD]!) | 0) >= this.size) return -1;
    const entry = tail & this.#mask;
    const at = HEADER_WORDS + entry * RQE_WORDS;
    words[at + RQE_OFF_LOW] = offLow;
    words[at + RQE_OFF_HIGH] = offHigh;
    words[at + RQE_LEN] = len;
    words[at + RQE_PAD] = 0;
    this.#localTail = (tail + 1) | 0;
    return entry;
  }

  /** Application: number of the entry that it writes next. */
  get nextEntry(): number {
    return this.#localTail & this.#mask;
  }

  /** Application gone wild: tail stands `by` entries beyond what was written. */
  overshoot(by: number): void {
    this.words[TAIL] = (this.#localTail + by) | 0;
  }

  /** Application: makes all written entries visible (store-release of tail). */
  publish(): void {
    this.words[TAIL] = this.#localTail;
  }

  /** Whether the kernel took entries that the application never published (invariant 48). */
  get passed(): boolean {
    return ((this.words[HEAD]! - this.#localTail) | 0) > 0;
  }

  /** Kernel: entries that it may read: min(tail - cached head, size). */
  get pending(): number {
    return Math.min((this.words[TAIL]! - this.cachedHead) >>> 0, this.size);
  }

  /** Kernel: number of the next entry, which it consumes. */
  take(): number {
    const entry = this.cachedHead & this.#mask;
    this.cachedHead = (this.cachedHead + 1) | 0;
    return entry;
  }

  /** Number of the `i`th entry that is not yet consumed. */
  peek(i: number): number {
    return (this.cachedHead + i) & this.#mask;
  }

  /** Kernel: store-release of head, once a pass. */
  storeHead(): void {
    this.words[HEAD] = this.cachedHead;
  }

  /** Index in `words` of entry number `entry`. */
  wordOf(entry: number): number {
    return HEADER_WORDS + entry * RQE_WORDS;
  }

  /** Moves the entries' times when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    for (let i = 0; i < this.size; i++) this.postedNs[i]! -= deltaNs;
  }
}
