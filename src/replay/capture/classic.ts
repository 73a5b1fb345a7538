import { EventEmitter } from "node:events";
import pcapParser, { type PcapPacket } from "pcap-parser";
import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import { ClassicWalker } from "./classic-walker.js";
import type { DamageLog } from "./damage.js";
import type { Feed } from "./feed.js";
import type { ReadWindow } from "./reader.js";
import { CLASSIC_HEADER_BYTES, type ClassicFormat } from "./sniff.js";
import type { Walker } from "./walker.js";

/** Bytes of a record header as pcap-parser knows it. */
const RECORD_HEADER_BYTES = 16;

/** The microsecond magic as it lies in a file, the only one that pcap-parser knows. */
const MAGIC_LITTLE = Buffer.from("d4c3b2a1", "hex");
const MAGIC_BIG = Buffer.from("a1b2c3d4", "hex");

/** What pcap-parser takes for a readable stream: it flows exactly when it is told to. */
class PushedStream extends EventEmitter {
  pause(): void {}
  resume(): void {}
}

/**
 * Reads classic captures through the `pcap-parser` package, between two stages of our own:
 *
 *      feed's --ClassicWalker--> whole, --push--> pcap-parser --packet--> window
 *      staging   (normalises,    sound           (decodes and  (accounts for
 *                 validates)     records          frames)       every byte)
 *
 * The package knows no nanosecond magic (it is replaced, and the field read as nanoseconds), takes
 * any length as true and buffers up to it (no record reaches it before it lies whole in the
 * staging window), and ends without a word on a cut file (the walker finds the cut). What it hands
 * out is held against what it was given, record by record and byte by byte.
 */
export class ParsedWalker implements Walker {
  readonly #front: ClassicWalker;
  readonly #staging: Uint8Array;
  readonly #format: ClassicFormat;
  readonly #window: ReadWindow;
  readonly #stream = new PushedStream();
  readonly #records: Buffer;
  /** The batch under way, its row that comes next, and where that row's frame goes. */
  #batch: PacketBatch | undefined;
  #row = 0;
  #at = 0;

  /** `feed` runs over a staging buffer no larger than `window`, so that its frames fit in there. */
  constructor(feed: Feed, format: ClassicFormat, damage: DamageLog, window: ReadWindow) {
    const from = feed.pos - CLASSIC_HEADER_BYTES;
    const fileHeader = Buffer.from(feed.bytes.slice(from, feed.pos));
    (format.littleEndian ? MAGIC_LITTLE : MAGIC_BIG).copy(fileHeader);
    this.#front = new ClassicWalker(feed, format, damage);
    this.#staging = feed.bytes;
    this.#format = format;
    this.#window = window;
    this.#records = Buffer.alloc(window.size);
    const parser = pcapParser.parse(this.#stream);
    parser.on("packet", (packet) => this.#take(packet));
    parser.on("error", (error) => {
      throw error;
    });
    this.#stream.emit("data", fileHeader);
  }

  get skipped(): Readonly<Record<string, number>> {
    return this.#front.skipped;
  }

  /** Takes an empty batch. */
  walk(batch: PacketBatch, room: number): number {
    const state = this.#front.walk(batch, room);
    if (batch.count > 0) {
      this.#parse(batch);
    }
    return state;
  }

  /** Hands the parser the batch's records as the file has them, and accounts for each. */
  #parse(batch: PacketBatch): void {
    let given = 0;
    let frameBytes = 0;
    for (let i = 0; i < batch.count; i++) {
      const frame = batch.offset[i]!;
      const header = frame - this.#format.recordHeaderBytes;
      const frameEnd = frame + batch.capturedBytes[i]!;
      this.#records.set(this.#staging.subarray(header, header + RECORD_HEADER_BYTES), given);
      this.#records.set(this.#staging.subarray(frame, frameEnd), given + RECORD_HEADER_BYTES);
      given += RECORD_HEADER_BYTES + frameEnd - frame;
      frameBytes += frameEnd - frame;
    }
    this.#batch = batch;
    this.#row = 0;
    this.#at = this.#window.start;
    this.#stream.emit("data", this.#records.subarray(0, given));
    const taken = this.#at - this.#window.start;
    if (this.#row !== batch.count || taken !== frameBytes) {
      const got = `${this.#row} records with ${taken} bytes`;
      throw new Error(`pcap-parser gave ${got} of ${batch.count} with ${frameBytes}`);
    }
  }

  /** One packet out of the parser; it replaces the row that the front stage had filled. */
  #take({ header, data }: PcapPacket): void {
    const batch = this.#batch!;
    const i = this.#row++;
    if (data.length !== batch.capturedBytes[i]) {
      throw new Error(`pcap-parser gave ${data.length} bytes for ${batch.capturedBytes[i]}`);
    }
    const unit = this.#format.nano ? 1_000_000_000 : 1_000_000;
    const fraction = header.timestampMicroseconds;
    this.#window.bytes.set(data, this.#at);
    batch.offset[i] = this.#at;
    batch.capturedBytes[i] = header.capturedLength;
    batch.wireBytes[i] = Math.max(header.originalLength, header.capturedLength);
    batch.seconds[i] = header.timestampSeconds + Math.floor(fraction / unit);
    batch.nanoseconds[i] = (fraction % unit) * (1_000_000_000 / unit);
    batch.linkType[i] = this.#format.linkType;
    this.#at += data.length;
  }
}
