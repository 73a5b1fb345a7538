import { BLOCK_BYTES, MIN_WINDOW_BYTES, type ReadWindow } from "./reader.js";
import type { ByteSource } from "./source.js";

/**
 * The part of a capture that lies in memory, and the way the next part gets there:
 *
 *      window  [ done with | not yet walked | room .......... ] slack
 *              ^start       ^pos             ^end              ^limit
 *
 * `fill` appends one block at `end`; where the room does not hold a block, it first carries what
 * was not yet walked (a record cut by the block's end) down to `start`.
 */
export class Feed {
  readonly bytes: Uint8Array;
  /** Header fields of `bytes`, by the same index. */
  readonly view: DataView;
  /** Index of the first byte not yet walked. */
  pos: number;
  /** Index behind the last byte read. */
  end: number;
  /** Nothing comes after `end`. */
  eof = false;
  readonly #source: ByteSource;
  readonly #start: number;
  readonly #limit: number;
  readonly #blockBytes: number;
  /** Capture offset of index 0. */
  #base: number;

  /** `head` holds the bytes that were already taken from `source`. */
  constructor(source: ByteSource, window: ReadWindow, head: Uint8Array, blockBytes = BLOCK_BYTES) {
    if (window.size < MIN_WINDOW_BYTES) {
      throw new Error(`a read window takes ${MIN_WINDOW_BYTES} bytes, not ${window.size}`);
    }
    this.bytes = window.bytes;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    this.#source = source;
    this.#start = window.start;
    this.#limit = window.start + window.size;
    this.#blockBytes = blockBytes;
    this.#base = -window.start;
    this.bytes.set(head, window.start);
    this.pos = window.start;
    this.end = window.start + head.length;
  }

  /** The capture offset of the byte at `index`. */
  offsetOf(index: number): number {
    return this.#base + index;
  }

  /** Reads one block more, or sets `eof`. A promise is returned only by a source that needs it. */
  fill(): Promise<void> | undefined {
    if (this.#limit - this.end < this.#blockBytes || this.pos === this.end) {
      this.#carry();
    }
    const room = Math.min(this.#blockBytes, this.#limit - this.end);
    if (room === 0) {
      throw new Error("the read window is full of bytes that nobody walks");
    }
    const got = this.#source.read(this.bytes, this.end, room);
    if (typeof got !== "number") {
      return got.then((bytes) => this.#took(bytes));
    }
    this.#took(got);
    return undefined;
  }

  #carry(): void {
    const down = this.pos - this.#start;
    if (down > 0) {
      this.bytes.copyWithin(this.#start, this.pos, this.end);
      this.pos -= down;
      this.end -= down;
      this.#base += down;
    }
  }

  #took(bytes: number): void {
    this.end += bytes;
    this.eof = bytes === 0;
  }
}
