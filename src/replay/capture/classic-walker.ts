import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import {
  BAD_RECORD_LENGTH,
  BAD_TIMESTAMP,
  BAD_WIRE_LENGTH,
  CUT_RECORD,
  type DamageLog,
  GARBAGE,
} from "./damage.js";
import type { Feed } from "./feed.js";
import { MAX_FRAME_BYTES } from "./reader.js";
import type { ClassicFormat } from "./sniff.js";
import { END, NEED, READY, RESYNC_BYTES, RESYNC_WINDOW_BYTES, type Walker } from "./walker.js";

/** Record headers in a row that must make sense before a place counts as a record's start. */
const RUN_RECORDS = 3;
/** Resynchronising takes no record further than this from the one before. */
const NEAR_SECONDS = 86_400;

const GOOD = 0;
const MORE = 1;
const BAD = 2;

/**
 * Walks the records of a classic capture (pcap-savefile(5)), all fields in the file's byte order:
 *
 *      at                                                     at + header            next
 *      | seconds u32 | fraction u32 | caplen u32 | len u32 |...| caplen bytes ........ | seconds
 *
 * A record is handed out once the header behind it was seen to be possible (or the capture ends
 * there), so that a lying `caplen` is told from garbage behind a true one. A header is possible if
 * `caplen` is at most MAX_FRAME_BYTES and not all of it is zero; one that is possible but odd
 * (caplen 0, above len or above the snapshot length, or a fraction of a second or more) must have a
 * possible one behind it, or is itself the damage. Odd records that pass are kept: the fraction is
 * carried over, and the wire length is at least the captured one.
 *
 * At damage, up to RESYNC_BYTES are searched for three sensible headers in a row (or fewer, where
 * the last record ends with the file), close in time to the last good record. If they are found
 * behind the damage, it was garbage and reading goes on there. If not, or if they start inside the
 * record before, the capture ends: then bytes are missing (a copy in text mode drops some here and
 * there), and no frame from here on is what it was.
 */
export class ClassicWalker implements Walker {
  readonly skipped: Record<string, number> = {};
  readonly #feed: Feed;
  readonly #damage: DamageLog;
  readonly #littleEndian: boolean;
  readonly #headerBytes: number;
  readonly #linkType: number;
  /** Fractions in a second, and nanoseconds in a fraction. */
  readonly #unit: number;
  readonly #unitNs: number;
  /** Captured bytes beyond which a record is odd. */
  readonly #snaplen: number;
  /** The header at the feed's `pos` was judged good. */
  #vouched = false;
  /** Seconds field of the last record handed out, -1 before the first. */
  #lastSeconds = -1;
  #over = false;

  /** `feed.pos` stands on the first record. */
  constructor(feed: Feed, format: ClassicFormat, damage: DamageLog) {
    this.#feed = feed;
    this.#damage = damage;
    this.#littleEndian = format.littleEndian;
    this.#headerBytes = format.recordHeaderBytes;
    this.#linkType = format.linkType;
    this.#unit = format.nano ? 1_000_000_000 : 1_000_000;
    this.#unitNs = format.nano ? 1 : 1000;
    this.#snaplen = Math.min(format.snaplen || MAX_FRAME_BYTES, MAX_FRAME_BYTES);
  }

  walk(batch: PacketBatch, room: number): number {
    const feed = this.#feed;
    const view = feed.view;
    while (batch.count < room) {
      if (this.#over) {
        return END;
      }
      const at = feed.pos;
      if (!this.#vouched) {
        const verdict = this.#judge(at);
        if (verdict === MORE || (verdict === BAD && !this.#recover(at, at, GARBAGE))) {
          return NEED;
        }
        if (verdict === BAD) {
          continue;
        }
      }
      if (feed.end - at < this.#headerBytes) {
        // Judged good, so these are the last bytes: none, or a piece of a header.
        this.#over = at === feed.end;
        if (!this.#over) {
          this.#recover(at, at, CUT_RECORD);
        }
        continue;
      }
      const next = at + this.#headerBytes + view.getUint32(at + 8, this.#littleEndian);
      if (next > feed.end) {
        if (!feed.eof) {
          return NEED;
        }
        this.#recover(at, at, CUT_RECORD);
        continue;
      }
      const verdict = this.#judge(next);
      if (verdict === GOOD) {
        this.#emit(batch, at);
        feed.pos = next;
        this.#vouched = true;
      } else if (verdict === MORE || !this.#recover(at, next, GARBAGE, batch)) {
        return NEED;
      }
    }
    return READY;
  }

  /** Whether a record can start at `at`; the end of the capture, and a cut header, are good. */
  #judge(at: number): number {
    const feed = this.#feed;
    if (at + this.#headerBytes > feed.end) {
      return feed.eof ? GOOD : MORE;
    }
    const view = feed.view;
    const caplen = view.getUint32(at + 8, this.#littleEndian);
    const isPlain =
      caplen > 0 &&
      caplen <= this.#snaplen &&
      caplen <= view.getUint32(at + 12, this.#littleEndian) &&
      view.getUint32(at + 4, this.#littleEndian) < this.#unit;
    return isPlain ? GOOD : this.#judgeOdd(at);
  }

  /** The second look: this header is possible, and so is the one behind it. */
  #judgeOdd(at: number): number {
    const verdict = this.#judgePossible(at);
    if (verdict !== GOOD || at + this.#headerBytes > this.#feed.end) {
      return verdict;
    }
    const caplen = this.#feed.view.getUint32(at + 8, this.#littleEndian);
    return this.#judgePossible(at + this.#headerBytes + caplen);
  }

  #judgePossible(at: number): number {
    const feed = this.#feed;
    if (at + this.#headerBytes > feed.end) {
      return feed.eof ? GOOD : MORE;
    }
    const caplen = feed.view.getUint32(at + 8, this.#littleEndian);
    return caplen > MAX_FRAME_BYTES || this.#isZero(at) ? BAD : GOOD;
  }

  /** A header of zeros, as in the tail of a file whose writer crashed. */
  #isZero(at: number): boolean {
    const view = this.#feed.view;
    const times = view.getUint32(at) | view.getUint32(at + 4);
    return (times | view.getUint32(at + 8) | view.getUint32(at + 12)) === 0;
  }

  /**
   * Deals with damage at `trouble`: the record at `at` itself, or what follows it (then `batch` is
   * given, and the record handed out). Answers false while the feed must first grow.
   */
  #recover(at: number, trouble: number, reason: string, batch?: PacketBatch): boolean {
    const feed = this.#feed;
    if (!feed.eof && feed.end - at < RESYNC_WINDOW_BYTES) {
      return false;
    }
    if (batch !== undefined) {
      this.#emit(batch, at);
    }
    const found = this.#resync(at + 1);
    if (found >= trouble) {
      // What looked cut has records behind it, so its length was a lie.
      const known = reason === CUT_RECORD ? BAD_RECORD_LENGTH : GARBAGE;
      this.#damage.note(feed.offsetOf(trouble), known);
      feed.pos = found;
      this.#vouched = true;
      return true;
    }
    const caplen = reason === GARBAGE ? feed.view.getUint32(trouble + 8, this.#littleEndian) : 0;
    const known = found >= 0 || caplen > MAX_FRAME_BYTES ? BAD_RECORD_LENGTH : reason;
    this.#damage.note(feed.offsetOf(trouble), known);
    this.#over = true;
    return true;
  }

  /** The first place from `from` on where sensible records start, or -1. */
  #resync(from: number): number {
    const last = Math.min(from + RESYNC_BYTES, this.#feed.end - this.#headerBytes);
    for (let at = from; at <= last; at++) {
      if (this.#isRun(at)) {
        return at;
      }
    }
    return -1;
  }

  /** Sensible records start at `start`: three, or fewer where the last one ends the capture. */
  #isRun(start: number): boolean {
    const feed = this.#feed;
    const view = feed.view;
    let at = start;
    let before = this.#lastSeconds;
    for (let run = 0; run < RUN_RECORDS; run++) {
      if (at + this.#headerBytes > feed.end) {
        return feed.eof && at === feed.end;
      }
      const seconds = view.getUint32(at, this.#littleEndian);
      const caplen = view.getUint32(at + 8, this.#littleEndian);
      const len = view.getUint32(at + 12, this.#littleEndian);
      const near = before < 0 || Math.abs(seconds - before) <= NEAR_SECONDS;
      if (caplen === 0 || caplen > len || len > MAX_FRAME_BYTES || !near) {
        return false;
      }
      if (view.getUint32(at + 4, this.#littleEndian) >= this.#unit) {
        return false;
      }
      before = seconds;
      at += this.#headerBytes + caplen;
    }
    return true;
  }

  /** Hands out the whole record at `at`, or counts why not. */
  #emit(batch: PacketBatch, at: number): void {
    const view = this.#feed.view;
    const little = this.#littleEndian;
    const caplen = view.getUint32(at + 8, little);
    if (caplen === 0) {
      this.skipped["zero-length"] = (this.skipped["zero-length"] ?? 0) + 1;
      return;
    }
    let seconds = view.getUint32(at, little);
    this.#lastSeconds = seconds;
    let fraction = view.getUint32(at + 4, little);
    if (fraction >= this.#unit) {
      this.#damage.note(this.#feed.offsetOf(at), BAD_TIMESTAMP);
      seconds += Math.floor(fraction / this.#unit);
      fraction %= this.#unit;
    }
    const len = view.getUint32(at + 12, little);
    if (len < caplen) {
      this.#damage.note(this.#feed.offsetOf(at), BAD_WIRE_LENGTH);
    }
    const i = batch.count++;
    batch.offset[i] = at + this.#headerBytes;
    batch.capturedBytes[i] = caplen;
    batch.wireBytes[i] = Math.max(len, caplen);
    batch.seconds[i] = seconds;
    batch.nanoseconds[i] = fraction * this.#unitNs;
    batch.linkType[i] = this.#linkType;
  }
}
