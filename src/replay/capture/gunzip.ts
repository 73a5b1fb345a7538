import { crc32, createInflateRaw, type InflateRaw, inflateRawSync } from "node:zlib";
import { BAD_GZIP, CUT_GZIP } from "./damage.js";
import { GzipHeader, HEADER_BAD, HEADER_ENDS } from "./gzip-header.js";
import type { ByteSource } from "./source.js";

/** Compressed bytes held at a time, and decompressed bytes taken from zlib at a time. */
const CHUNK_BYTES = 64 * 1024;
/** Compressed bytes given to zlib at first; each further piece is twice as long, to a chunk. */
const FIRST_PIECE_BYTES = 512;
const TRAILER_BYTES = 8;

const HEADER = 0;
const BODY = 1;
const TRAILER = 2;
const BETWEEN = 3;

/** What zlib answers with where it is asked for more than the bytes. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Decompresses another source in step with its reader, member by member (RFC 1952):
 *
 *      inner --(one 64 KiB chunk)--> [ header | deflate .... | crc32, length ] [ header | ...
 *                                              | piece by piece
 *                                              v
 *                                            zlib --(one 64 KiB chunk)--> read()
 *
 * zlib gets its next piece when the last one is used up, and works only while somebody waits for
 * bytes; so a small file that unpacks to a huge one takes no more memory than any other. What was
 * decoded ahead of a fault is handed out before the fault is told: all of it where the fault lies
 * around the deflate stream (sums, garbage behind it), and all but what zlib had of the present
 * chunk where it lies in there.
 */
export class GunzipSource implements ByteSource {
  readonly regular: boolean;
  readonly #inner: ByteSource;
  readonly #input = new Uint8Array(CHUNK_BYTES);
  /** The part of the input that nobody has looked at. */
  #at = 0;
  #inputEnd: number;
  #state = HEADER;
  #header = new GzipHeader();
  readonly #trailer = new DataView(new ArrayBuffer(TRAILER_BYTES));
  #trailerBytes = 0;
  #inflate: InflateRaw | undefined;
  #pieceBytes = FIRST_PIECE_BYTES;
  /** Bytes that the present zlib has used. */
  #given = 0;
  /** Sum and length of what the present member came to. */
  #crc = 0;
  #length = 0;
  #output: Uint8Array | undefined;
  #used = 0;
  #hungry = true;
  #ended = false;
  #fault: string | undefined;
  #wake: () => void = () => {};

  /** `head` holds the compressed bytes that were already taken from `inner`. */
  constructor(inner: ByteSource, head: Uint8Array) {
    this.#inner = inner;
    this.regular = inner.regular;
    this.#input.set(head);
    this.#inputEnd = head.length;
  }

  get trouble(): string | undefined {
    return this.#inner.trouble ?? this.#fault;
  }

  async read(bytes: Uint8Array, at: number, room: number): Promise<number> {
    while (this.#output === undefined && !this.#ended) {
      if (this.#state !== BODY) await this.#readFrame();
      else if (this.#hungry) await this.#give();
      else await this.#await();
    }
    const output = this.#output;
    if (output === undefined) {
      return 0;
    }
    const part = output.subarray(this.#used, this.#used + room);
    bytes.set(part, at);
    this.#used += part.length;
    if (this.#used === output.length) {
      this.#output = undefined;
    }
    return part.length;
  }

  /** What follows the gzip stream, or a fault in it, is part of the stored bytes. */
  drain(): void | Promise<void> {
    return this.#inner.drain();
  }

  sha256(): string {
    return this.#inner.sha256();
  }

  close(): void {
    this.#end(undefined);
    this.#inflate?.destroy();
    this.#inner.close();
  }

  /** Looks at what lies around the deflate streams, as far as the input goes. */
  async #readFrame(): Promise<void> {
    if (this.#at === this.#inputEnd && !(await this.#refill())) {
      this.#end(this.#state === BETWEEN ? undefined : CUT_GZIP);
    }
    while (this.#at < this.#inputEnd && this.#state !== BODY && !this.#ended) {
      this.#takeByte(this.#input[this.#at]!);
      if (this.#output !== undefined) return;
    }
  }

  #takeByte(byte: number): void {
    if (this.#state === BETWEEN && byte !== 0) this.#state = HEADER;
    this.#at++;
    if (this.#state === HEADER) {
      const said = this.#header.take(byte);
      if (said === HEADER_BAD) this.#end(BAD_GZIP);
      else if (said === HEADER_ENDS && !this.#takeSmall()) this.#begin();
    } else if (this.#state === TRAILER) {
      this.#trailer.setUint8(this.#trailerBytes++, byte);
      if (this.#trailerBytes === TRAILER_BYTES) this.#checkSums();
    }
  }

  /**
   * A member that lies whole in the input and comes to a chunk at most, at once: a file may have
   * one for every few bytes, and a stream for each would cost more than all of them. False for any
   * other, and for one with a fault.
   */
  #takeSmall(): boolean {
    const options = { info: true, chunkSize: CHUNK_BYTES, maxOutputLength: CHUNK_BYTES };
    try {
      const input = this.#input.subarray(this.#at, this.#inputEnd);
      const { buffer, engine } = inflateRawSync(input, options) as unknown as Inflated;
      this.#at += engine.bytesWritten;
      this.#crc = crc32(buffer);
      this.#length = buffer.length;
      this.#output = buffer.length > 0 ? buffer : undefined;
      this.#used = 0;
    } catch {
      return false;
    }
    this.#state = TRAILER;
    this.#trailerBytes = 0;
    return true;
  }

  #begin(): void {
    const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
    this.#inflate = inflate;
    this.#state = BODY;
    this.#given = 0;
    this.#crc = 0;
    this.#length = 0;
    this.#hungry = true;
    inflate.pause();
    inflate.on("data", (chunk: Uint8Array) => {
      inflate.pause();
      this.#crc = crc32(chunk, this.#crc);
      this.#length += chunk.length;
      this.#output = chunk;
      this.#used = 0;
      this.#wake();
    });
    inflate.on("end", () => {
      this.#take(inflate);
      this.#state = TRAILER;
      this.#trailerBytes = 0;
      this.#wake();
    });
    inflate.on("error", (error: NodeJS.ErrnoException) => {
      this.#end(error.code === "Z_BUF_ERROR" ? CUT_GZIP : BAD_GZIP);
    });
  }

  #checkSums(): void {
    const crc = this.#trailer.getUint32(0, true);
    const length = this.#trailer.getUint32(4, true);
    if (crc !== this.#crc || length !== this.#length % 2 ** 32) this.#end(BAD_GZIP);
    this.#state = BETWEEN;
    this.#header = new GzipHeader();
  }

  /** Hands zlib the next piece, or the end. */
  async #give(): Promise<void> {
    this.#hungry = false;
    const inflate = this.#inflate!;
    if (this.#at === this.#inputEnd && !(await this.#refill())) {
      inflate.end();
      return;
    }
    const from = this.#at;
    const bytes = Math.min(this.#pieceBytes, this.#inputEnd - from);
    this.#pieceBytes = Math.min(2 * this.#pieceBytes, CHUNK_BYTES);
    inflate.write(this.#input.slice(from, from + bytes), () => {
      if (this.#state !== BODY || this.#inflate !== inflate) return;
      // What zlib leaves of a piece lies behind its stream, which then ends.
      this.#hungry = this.#take(inflate) === bytes;
      this.#wake();
    });
  }

  /** Passes over what zlib has used of its last piece; answers how much that was. */
  #take(inflate: InflateRaw): number {
    const used = inflate.bytesWritten - this.#given;
    this.#at += used;
    this.#given += used;
    return used;
  }

  async #await(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#inflate!.resume();
    await woken;
  }

  async #refill(): Promise<boolean> {
    this.#at = 0;
    this.#inputEnd = await this.#inner.read(this.#input, 0, CHUNK_BYTES);
    return this.#inputEnd > 0;
  }

  #end(fault: string | undefined): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#fault = fault;
      this.#wake();
    }
  }
}
