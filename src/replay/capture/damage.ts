import type { Damage } from "./reader.js";

/** The capture ends inside a record or block. */
export const CUT_RECORD = "cut-record";
/** A record's or a packet block's captured length cannot be true. */
export const BAD_RECORD_LENGTH = "bad-record-length";
/** Bytes that are no record; reading went on behind them. */
export const GARBAGE = "garbage";
/**
 * A sub-second field of a second or more, carried over into the seconds; or a time tens of
 * thousands of years away, taken as the furthest one allowed. The packet was kept.
 */
export const BAD_TIMESTAMP = "bad-timestamp";
/** A wire length below the captured one; taken as equal, the packet was kept. */
export const BAD_WIRE_LENGTH = "bad-wire-length";
/** A pcapng block total length that cannot be true. */
export const BAD_BLOCK_LENGTH = "bad-block-length";
/** A pcapng block whose two total lengths differ. */
export const BLOCK_LENGTH_MISMATCH = "block-length-mismatch";
/** A pcapng section header with an unknown byte-order magic or version. */
export const BAD_SECTION_HEADER = "bad-section-header";
/** A pcapng packet of an interface that its section does not describe. */
export const UNKNOWN_INTERFACE = "unknown-interface";
/** A pcapng interface option that runs past its block. */
export const BAD_INTERFACE_OPTION = "bad-interface-option";
/** A pcapng section with more interfaces than are kept. */
export const TOO_MANY_INTERFACES = "too-many-interfaces";
/** The gzip stream ends before its trailer. */
export const CUT_GZIP = "cut-gzip";
/** The gzip stream cannot be decoded further. */
export const BAD_GZIP = "bad-gzip";
/** The operating system refused to read further. */
export const READ_ERROR = "read-error";
/** Stands for every place after the first {@link MAX_DAMAGE}. */
export const MORE_DAMAGE = "more-damage";

/** Places noted at most, so that a hostile capture cannot fill the memory with its faults. */
export const MAX_DAMAGE = 1000;

/** The damaged places of one capture, in order of offset. */
export class DamageLog {
  readonly #places: Damage[] = [];

  /** Notes one place; `offset` counts the capture's bytes after decompression. */
  note(offset: number, reason: string): void {
    if (this.#places.length < MAX_DAMAGE) {
      this.#places.push({ offset, reason });
    } else if (this.#places.length === MAX_DAMAGE) {
      this.#places.push({ offset, reason: MORE_DAMAGE });
    }
  }

  /** A copy, sorted by offset (places of equal offset as they were noted). */
  places(): Damage[] {
    return this.#places.toSorted((a, b) => a.offset - b.offset);
  }
}
