/** What {@link GzipHeader.take} says of a byte. */
export const HEADER_MORE = 0;
export const HEADER_ENDS = 1;
export const HEADER_BAD = 2;

const MAGIC_AND_DEFLATE = [0x1f, 0x8b, 8];
const FIXED_BYTES = 10;
const RESERVED_FLAGS = 0xe0;

const FIXED = 0;
const EXTRA = 1;
/** 2 and 3 are the name and the comment. */
const CHECKSUM = 4;
/** The flag that each part's presence depends on, by the constants above. */
const FLAG_OF = [0, 0x04, 0x08, 0x10, 0x02];

/**
 * The header of a gzip member (RFC 1952, section 2.3), byte by byte:
 *
 *      1f 8b 08 flags time(4) xfl os | extra: length u16, bytes | name 00 | comment 00 | crc16
 */
export class GzipHeader {
  #part = FIXED;
  /** Bytes of the part so far. */
  #bytes = 0;
  #flags = 0;
  #extraBytes = 0;

  /** Takes the next byte; nothing may follow HEADER_ENDS and HEADER_BAD. */
  take(byte: number): number {
    const at = this.#bytes++;
    switch (this.#part) {
      case FIXED:
        if (at < MAGIC_AND_DEFLATE.length && byte !== MAGIC_AND_DEFLATE[at]) return HEADER_BAD;
        if (at === MAGIC_AND_DEFLATE.length) this.#flags = byte;
        if ((this.#flags & RESERVED_FLAGS) !== 0) return HEADER_BAD;
        return at + 1 < FIXED_BYTES ? HEADER_MORE : this.#next();
      case EXTRA:
        if (at < 2) this.#extraBytes |= byte << (8 * at);
        return at < 1 || at + 1 < 2 + this.#extraBytes ? HEADER_MORE : this.#next();
      case CHECKSUM:
        return at < 1 ? HEADER_MORE : this.#next();
      default:
        return byte !== 0 ? HEADER_MORE : this.#next();
    }
  }

  /** Goes on with the next part that is there. */
  #next(): number {
    this.#bytes = 0;
    do this.#part++;
    while (this.#part <= CHECKSUM && (this.#flags & FLAG_OF[this.#part]!) === 0);
    return this.#part <= CHECKSUM ? HEADER_MORE : HEADER_ENDS;
  }
}
