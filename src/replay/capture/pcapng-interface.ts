import type { PacketBatch } from "../../engine/wire/packet-batch.js";

/** Option codes of an Interface Description Block (draft-ietf-opsawg-pcapng, section 4.2). */
const OPT_ENDOFOPT = 0;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;

const NS_PER_SECOND = 1_000_000_000;
/** if_tsresol where the option is absent: microseconds. */
const DEFAULT_TSRESOL = 6;

/**
 * One interface of a pcapng section: what its packets' blocks leave unsaid.
 *
 *      type 1 | total length | linktype u16 | reserved u16 | snaplen u32 | options | total length
 */
export class PcapngInterface {
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** Longest captured packet, 0 where there is no limit. */
  readonly snaplen: number;
  /** An option ran past the block, or had the wrong length; those before it hold. */
  readonly isDamaged: boolean;
  /** if_tsoffset: seconds added to each timestamp. */
  #offsetSeconds = 0;
  /** Timestamp units in a second where plain numbers are exact, else 0 (then `#units` is used). */
  #unitsPerSecond = 0;
  #units: bigint;

  /** The block occupies `view` from `at` on, `blockBytes` in all, and was checked to be whole. */
  constructor(view: DataView, at: number, blockBytes: number, littleEndian: boolean) {
    this.linkType = view.getUint16(at + 8, littleEndian);
    this.snaplen = view.getUint32(at + 12, littleEndian);
    this.#units = this.#resolve(DEFAULT_TSRESOL);
    this.isDamaged = !this.#readOptions(view, at + 16, at + blockBytes - 4, littleEndian);
  }

  /**
   * Puts a 64-bit timestamp, given as two unsigned halves, into row `i` of the batch. A unit finer
   * than a nanosecond is rounded down. Units of 10^-9 s and coarser, and of 2^-20 s and coarser,
   * take no BigInt: the 64 bits are divided by the units in a second, 16 bits at a time, and each
   * step's numerator stays below 2^47.
   */
  stamp(high: number, low: number, batch: PacketBatch, i: number): void {
    const units = this.#unitsPerSecond;
    if (units === 0) {
      this.#stampExactly(high, low, batch, i);
      return;
    }
    const top = Math.floor(high / units);
    const upper = (high - top * units) * 0x1_0000 + (low >>> 16);
    const middle = Math.floor(upper / units);
    const lower = (upper - middle * units) * 0x1_0000 + (low & 0xffff);
    const bottom = Math.floor(lower / units);
    const seconds = (top * 0x1_0000 + middle) * 0x1_0000 + bottom;
    batch.seconds[i] = seconds + this.#offsetSeconds;
    batch.nanoseconds[i] = Math.floor(((lower - bottom * units) * NS_PER_SECOND) / units);
  }

  #stampExactly(high: number, low: number, batch: PacketBatch, i: number): void {
    const stamp = (BigInt(high) << 32n) | BigInt(low);
    batch.seconds[i] = Number(stamp / this.#units) + this.#offsetSeconds;
    batch.nanoseconds[i] = Number(((stamp % this.#units) * BigInt(NS_PER_SECOND)) / this.#units);
  }

  /** if_tsresol: the unit is 10^-n s, or 2^-n s with the top bit set. */
  #resolve(resolution: number): bigint {
    const exponent = resolution & 0x7f;
    const isBinary = resolution > 0x7f;
    const isPlain = exponent <= (isBinary ? 20 : 9);
    this.#unitsPerSecond = isPlain ? (isBinary ? 2 : 10) ** exponent : 0;
    return (isBinary ? 2n : 10n) ** BigInt(exponent);
  }

  /** Answers whether all of the options made sense. */
  #readOptions(view: DataView, from: number, end: number, littleEndian: boolean): boolean {
    let at = from;
    while (end - at >= 4) {
      const code = view.getUint16(at, littleEndian);
      const length = view.getUint16(at + 2, littleEndian);
      if (code === OPT_ENDOFOPT) {
        return true;
      }
      if (at + 4 + length > end) {
        return false;
      }
      if (code === IF_TSRESOL && length === 1) {
        this.#units = this.#resolve(view.getUint8(at + 4));
      } else if (code === IF_TSOFFSET && length === 8) {
        this.#offsetSeconds = Number(view.getBigInt64(at + 4, littleEndian));
      } else if (code === IF_TSRESOL || code === IF_TSOFFSET) {
        return false;
      }
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return true;
  }
}
