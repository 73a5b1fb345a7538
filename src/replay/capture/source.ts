import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import { READ_ERROR } from "./damage.js";
import { FileHash } from "./file-hash.js";
import { BLOCK_BYTES } from "./reader.js";

/** Where a capture's bytes come from. */
export interface ByteSource {
  /** The bytes can be read to their end at will: a plain file. */
  readonly regular: boolean;
  /** Why the bytes ended too early, a damage reason; undefined where they did not. */
  readonly trouble: string | undefined;
  /** Reads at most `room` bytes into `bytes` from `at` on; 0 means that there are no more. */
  read(bytes: Uint8Array, at: number, room: number): number | Promise<number>;
  /** Reads what is left, only to have it in the hash. */
  drain(): void | Promise<void>;
  /** SHA-256 of the stored bytes that were read, lower-case hex. Nothing may be read after it. */
  sha256(): string;
  /** Safe at any time and more than once. */
  close(): void;
}

/** A plain file, read synchronously. */
export class FileSource implements ByteSource {
  readonly regular = true;
  trouble: string | undefined;
  #fd: number;
  readonly #hash: FileHash;

  constructor(fd: number) {
    this.#fd = fd;
    this.#hash = new FileHash(fd);
  }

  read(bytes: Uint8Array, at: number, room: number): number {
    if (this.#fd < 0 || this.trouble !== undefined) {
      return 0;
    }
    try {
      const got = readSync(this.#fd, bytes, at, room, null);
      this.#hash.update(bytes.subarray(at, at + got));
      return got;
    } catch {
      this.trouble = READ_ERROR;
      return 0;
    }
  }

  drain(): void | Promise<void> {
    if (!this.#hash.wantsBytes) return this.#hash.finish();
    const scratch = new Uint8Array(BLOCK_BYTES);
    while (this.read(scratch, 0, scratch.length) > 0) {}
  }

  sha256(): string {
    return this.#hash.hex();
  }

  close(): void {
    this.#hash.close();
    if (this.#fd >= 0) {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }
}

/**
 * A stream, read in step: it flows only while somebody waits for bytes, and never holds more than
 * one chunk here.
 */
export class StreamSource implements ByteSource {
  readonly regular = false;
  trouble: string | undefined;
  readonly #stream: Readable;
  readonly #hash = createHash("sha256");
  #chunk: Uint8Array | undefined;
  #used = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.pause();
    stream.on("data", (chunk: Uint8Array) => {
      // An empty chunk is not the end, as an empty read would say.
      if (chunk.length > 0) {
        stream.pause();
        this.#chunk = chunk;
        this.#used = 0;
        this.#wake();
      }
    });
    stream.on("end", () => this.#end(undefined));
    stream.on("error", () => this.#end(READ_ERROR));
    stream.on("close", () => this.#end(stream.readableEnded ? undefined : READ_ERROR));
  }

  async read(bytes: Uint8Array, at: number, room: number): Promise<number> {
    while (this.#chunk === undefined && !this.#ended) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#stream.resume();
      await woken;
    }
    const chunk = this.#chunk;
    if (chunk === undefined) {
      return 0;
    }
    const part = chunk.subarray(this.#used, this.#used + room);
    bytes.set(part, at);
    this.#hash.update(part);
    this.#used += part.length;
    if (this.#used === chunk.length) {
      this.#chunk = undefined;
    }
    return part.length;
  }

  async drain(): Promise<void> {
    const scratch = new Uint8Array(BLOCK_BYTES);
    while ((await this.read(scratch, 0, scratch.length)) > 0) {}
  }

  sha256(): string {
    return this.#hash.digest("hex");
  }

  close(): void {
    this.#end(undefined);
    this.#stream.destroy();
  }

  /** The first cause counts: `close` follows `end` and `error`. */
  #end(trouble: string | undefined): void {
    if (!this.#ended) {
      this.#ended = true;
      this.trouble = trouble;
      this.#wake();
    }
  }
}
