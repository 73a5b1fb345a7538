import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import {
  BAD_BLOCK_LENGTH,
  BAD_INTERFACE_OPTION,
  BAD_RECORD_LENGTH,
  BAD_SECTION_HEADER,
  BAD_TIMESTAMP,
  BAD_WIRE_LENGTH,
  BLOCK_LENGTH_MISMATCH,
  CUT_RECORD,
  type DamageLog,
  GARBAGE,
  TOO_MANY_INTERFACES,
  UNKNOWN_INTERFACE,
} from "./damage.js";
import type { Feed } from "./feed.js";
import { PcapngInterface } from "./pcapng-interface.js";
import { MAX_FRAME_BYTES } from "./reader.js";
import { BYTE_ORDER_MAGIC, HEAD_BYTES, SECTION_HEADER } from "./sniff.js";
import { END, NEED, READY, RESYNC_BYTES, RESYNC_WINDOW_BYTES, type Walker } from "./walker.js";

/** Block types (draft-ietf-opsawg-pcapng, section 11.1). */
const INTERFACE_DESCRIPTION = 1;
const PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** Type, total length and the total length again. */
const FRAME_BYTES = 12;
/** A block up to this size must lie whole in the window and is checked before it is used. */
const MAX_WHOLE_BYTES = 2 * MAX_FRAME_BYTES;
/** The largest block that is skipped; Wireshark's MAX_BLOCK_SIZE (wiretap/pcapng.c). */
const MAX_SKIPPED_BYTES = 16 * 1024 * 1024;
/** 35,000 years: a timestamp further from 1970 is damage, and taken as this. */
export const MAX_STAMP_SECONDS = 2 ** 40;
/** Interfaces kept per section. */
const MAX_INTERFACES = 65_536;

const GOOD = 0;
const MORE = 1;
const BAD = 2;

/**
 * Walks the blocks of a pcapng capture (draft-ietf-opsawg-pcapng):
 *
 *      at                                                            at + total length
 *      | type u32 | total length u32 | body, options ... | total length u32 | type ...
 *
 * A section header sets the byte order and forgets the interfaces. Enhanced, simple and (obsolete)
 * packet blocks are handed out; name resolution, statistics, secrets and unknown blocks are skipped
 * by their length. The section length is not needed: blocks are followed one by one. A block is
 * used once both its total lengths were seen to agree, so a lying length does no harm. A simple
 * packet block has no timestamp and gets that of the packet before it.
 *
 * At damage, up to RESYNC_BYTES are searched for a block of a known type with two total lengths
 * that agree. If there is one, reading goes on there; if not, the capture ends.
 */
export class PcapngWalker implements Walker {
  readonly skipped: Record<string, number> = {};
  readonly #feed: Feed;
  readonly #damage: DamageLog;
  #littleEndian = true;
  #interfaces: PcapngInterface[] = [];
  /** Timestamp of the last packet, for simple packet blocks. */
  #seconds = 0;
  #nanoseconds = 0;
  /** Type and total length of the block judged last, and what is wrong with it. */
  #type = 0;
  #length = 0;
  #fault = GARBAGE;
  /** A large block under way: bytes left before its closing length, its length, its offset. */
  #skipBytes = 0;
  #skipLength = 0;
  #skipOffset = 0;
  #over = false;

  /** `feed.pos` stands on the first section header. */
  constructor(feed: Feed, damage: DamageLog) {
    this.#feed = feed;
    this.#damage = damage;
  }

  walk(batch: PacketBatch, room: number): number {
    const feed = this.#feed;
    while (batch.count < room) {
      if (this.#over) {
        return END;
      }
      if (this.#skipLength > 0) {
        if (!this.#skipOn()) {
          return NEED;
        }
        continue;
      }
      const at = feed.pos;
      if (at === feed.end && feed.eof) {
        this.#over = true;
        continue;
      }
      const verdict = this.#judge(at);
      if (verdict === GOOD) {
        this.#take(at, batch);
      } else if (verdict === MORE || !this.#recover(at)) {
        return NEED;
      }
    }
    return READY;
  }

  /**
   * Looks at the block at `at` and leaves its type and total length, or its fault, behind. A block
   * that is too large for the window is good if its length can be true.
   */
  #judge(at: number): number {
    const { view, end, eof } = this.#feed;
    if (end - at < FRAME_BYTES) {
      this.#fault = CUT_RECORD;
      return eof ? BAD : MORE;
    }
    let littleEndian = this.#littleEndian;
    this.#type = view.getUint32(at, littleEndian);
    if (this.#type === SECTION_HEADER) {
      littleEndian = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      if (!littleEndian && view.getUint32(at + 8) !== BYTE_ORDER_MAGIC) {
        this.#fault = BAD_SECTION_HEADER;
        return BAD;
      }
    }
    const length = view.getUint32(at + 4, littleEndian);
    this.#length = length;
    const most = isKnown(this.#type) ? MAX_WHOLE_BYTES : MAX_SKIPPED_BYTES;
    if (length < leastBytes(this.#type) || length > most || length % 4 !== 0) {
      this.#fault = isKnown(this.#type) ? BAD_BLOCK_LENGTH : GARBAGE;
      return BAD;
    }
    if (length > MAX_WHOLE_BYTES) {
      return GOOD;
    }
    if (end - at < length) {
      this.#fault = CUT_RECORD;
      return eof ? BAD : MORE;
    }
    if (view.getUint32(at + length - 4, littleEndian) !== length) {
      this.#fault = isKnown(this.#type) ? BLOCK_LENGTH_MISMATCH : GARBAGE;
      return BAD;
    }
    if (this.#type === SECTION_HEADER && view.getUint16(at + 12, littleEndian) !== 1) {
      this.#fault = BAD_SECTION_HEADER;
      return BAD;
    }
    return GOOD;
  }

  /** Uses the good block at `at` and moves behind it. */
  #take(at: number, batch: PacketBatch): void {
    const feed = this.#feed;
    if (this.#length > MAX_WHOLE_BYTES) {
      this.#skipBytes = this.#length - 4;
      this.#skipLength = this.#length;
      this.#skipOffset = feed.offsetOf(at);
      return;
    }
    feed.pos = at + this.#length;
    switch (this.#type) {
      case ENHANCED_PACKET:
        this.#emit(at, feed.view.getUint32(at + 8, this.#littleEndian), batch);
        break;
      case PACKET:
        this.#emit(at, feed.view.getUint16(at + 8, this.#littleEndian), batch);
        break;
      case SIMPLE_PACKET:
        this.#emitSimple(at, batch);
        break;
      case INTERFACE_DESCRIPTION:
        this.#addInterface(at);
        break;
      case SECTION_HEADER:
        this.#littleEndian = feed.view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
        this.#interfaces = [];
        break;
    }
  }

  #addInterface(at: number): void {
    const feed = this.#feed;
    if (this.#interfaces.length === MAX_INTERFACES) {
      this.#damage.note(feed.offsetOf(at), TOO_MANY_INTERFACES);
      return;
    }
    const added = new PcapngInterface(feed.view, at, this.#length, this.#littleEndian);
    this.#interfaces.push(added);
    if (added.isDamaged) {
      this.#damage.note(feed.offsetOf(at), BAD_INTERFACE_OPTION);
    }
  }

  /**
   * An enhanced packet block; the obsolete packet block differs only in where its interface is:
   *
   *      | type | length | interface (u32; u16 and drops u16) | high | low | caplen | len | frame
   */
  #emit(at: number, interfaceId: number, batch: PacketBatch): void {
    const view = this.#feed.view;
    const captured = view.getUint32(at + 20, this.#littleEndian);
    const len = view.getUint32(at + 24, this.#littleEndian);
    const from = this.#interfaces[interfaceId];
    if (captured > MAX_FRAME_BYTES || captured > this.#length - 32) {
      this.#refuse(at, BAD_RECORD_LENGTH);
      return;
    }
    if (from === undefined) {
      this.#refuse(at, UNKNOWN_INTERFACE);
      return;
    }
    if (captured === 0) {
      this.#skip("zero-length");
      return;
    }
    const high = view.getUint32(at + 12, this.#littleEndian);
    const low = view.getUint32(at + 16, this.#littleEndian);
    from.stamp(high, low, batch, batch.count);
    if (Math.abs(batch.seconds[batch.count]!) > MAX_STAMP_SECONDS) {
      this.#damage.note(this.#feed.offsetOf(at), BAD_TIMESTAMP);
      batch.seconds[batch.count] = Math.sign(batch.seconds[batch.count]!) * MAX_STAMP_SECONDS;
    }
    this.#seconds = batch.seconds[batch.count]!;
    this.#nanoseconds = batch.nanoseconds[batch.count]!;
    if (len < captured) {
      this.#damage.note(this.#feed.offsetOf(at), BAD_WIRE_LENGTH);
    }
    this.#append(batch, at + 28, captured, Math.max(len, captured), from.linkType);
  }

  /** `| type | length | len | frame`, cut to the snapshot length of the section's interface 0. */
  #emitSimple(at: number, batch: PacketBatch): void {
    const len = this.#feed.view.getUint32(at + 8, this.#littleEndian);
    const from = this.#interfaces[0];
    if (from === undefined) {
      this.#refuse(at, UNKNOWN_INTERFACE);
      return;
    }
    const captured = from.snaplen === 0 ? len : Math.min(len, from.snaplen);
    if (captured > MAX_FRAME_BYTES || captured > this.#length - 16) {
      this.#refuse(at, BAD_RECORD_LENGTH);
      return;
    }
    if (captured === 0) {
      this.#skip("zero-length");
      return;
    }
    batch.seconds[batch.count] = this.#seconds;
    batch.nanoseconds[batch.count] = this.#nanoseconds;
    this.#append(batch, at + 12, captured, len, from.linkType);
  }

  #append(batch: PacketBatch, at: number, captured: number, wire: number, linkType: number): void {
    const i = batch.count++;
    batch.offset[i] = at;
    batch.capturedBytes[i] = captured;
    batch.wireBytes[i] = wire;
    batch.linkType[i] = linkType;
  }

  /** A whole block whose packet cannot be handed out: both damage and a skipped record. */
  #refuse(at: number, reason: string): void {
    this.#damage.note(this.#feed.offsetOf(at), reason);
    this.#skip(reason);
  }

  #skip(reason: string): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }

  /** Goes on skipping a large block; false while the feed must first grow. */
  #skipOn(): boolean {
    const feed = this.#feed;
    const bytes = Math.min(this.#skipBytes, feed.end - feed.pos);
    feed.pos += bytes;
    this.#skipBytes -= bytes;
    if (this.#skipBytes > 0 || feed.end - feed.pos < 4) {
      if (feed.eof) {
        this.#damage.note(this.#skipOffset, CUT_RECORD);
        this.#over = true;
      }
      return feed.eof;
    }
    if (feed.view.getUint32(feed.pos, this.#littleEndian) !== this.#skipLength) {
      this.#damage.note(this.#skipOffset, BLOCK_LENGTH_MISMATCH);
    }
    feed.pos += 4;
    this.#skipLength = 0;
    return true;
  }

  /** Deals with the bad block at `at`; answers false while the feed must first grow. */
  #recover(at: number): boolean {
    const feed = this.#feed;
    if (!feed.eof && feed.end - at < RESYNC_WINDOW_BYTES) {
      return false;
    }
    const fault = this.#fault;
    const last = Math.min(at + RESYNC_BYTES, feed.end - FRAME_BYTES);
    let found = at + 1;
    while (found <= last && !this.#isBlock(found)) {
      found++;
    }
    if (found > last) {
      this.#damage.note(feed.offsetOf(at), fault);
      this.#over = true;
      return true;
    }
    // What looked cut has blocks behind it, so its length was a lie.
    this.#damage.note(feed.offsetOf(at), fault === CUT_RECORD ? BAD_BLOCK_LENGTH : fault);
    feed.pos = found;
    return true;
  }

  /** A whole block of a known type starts at `at`. */
  #isBlock(at: number): boolean {
    return isKnown(this.#feed.view.getUint32(at, this.#littleEndian)) && this.#judge(at) === GOOD;
  }
}

/** The types that every reader must know: 1 to 6, and the section header. */
function isKnown(type: number): boolean {
  return (type >= INTERFACE_DESCRIPTION && type <= ENHANCED_PACKET) || type === SECTION_HEADER;
}

/** The least total length of a block of this type. */
function leastBytes(type: number): number {
  switch (type) {
    case SECTION_HEADER:
      return HEAD_BYTES;
    case INTERFACE_DESCRIPTION:
      return 20;
    case PACKET:
    case ENHANCED_PACKET:
      return 32;
    case SIMPLE_PACKET:
      return 16;
    default:
      return FRAME_BYTES;
  }
}
