import { createGunzip } from "node:zlib";
import { BAD_GZIP, CUT_GZIP } from "./damage.js";
import type { ByteSource } from "./source.js";

/** Compressed bytes given to zlib at a time, and decompressed bytes taken from it at a time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Decompresses another source in step with its reader:
 *
 *      inner --(one 64 KiB chunk)--> zlib --(one 64 KiB chunk)--> read()
 *
 * zlib gets its next chunk when the last one is used up, and works only while somebody waits for
 * bytes; so a small file that unpacks to a huge one takes no more memory than any other. What was
 * decoded ahead of a fault is handed out before the fault is told.
 */
export class GunzipSource implements ByteSource {
  readonly regular: boolean;
  readonly #inner: ByteSource;
  readonly #gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  readonly #input = new Uint8Array(CHUNK_BYTES);
  #inputBytes: number;
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
    this.#inputBytes = head.length;
    this.#gunzip.pause();
    this.#gunzip.on("data", (chunk: Uint8Array) => {
      this.#gunzip.pause();
      this.#output = chunk;
      this.#used = 0;
      this.#wake();
    });
    this.#gunzip.on("end", () => this.#end(undefined));
    this.#gunzip.on("error", (error: NodeJS.ErrnoException) => {
      this.#end(error.code === "Z_BUF_ERROR" ? CUT_GZIP : BAD_GZIP);
    });
  }

  get trouble(): string | undefined {
    return this.#inner.trouble ?? this.#fault;
  }

  async read(bytes: Uint8Array, at: number, room: number): Promise<number> {
    while (this.#output === undefined && !this.#ended) {
      if (this.#hungry) {
        await this.#give();
        continue;
      }
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#gunzip.resume();
      await woken;
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
    this.#gunzip.destroy();
    this.#inner.close();
  }

  /** Hands zlib the head, or the next chunk, or the end. */
  async #give(): Promise<void> {
    this.#hungry = false;
    if (this.#inputBytes === 0) {
      this.#inputBytes = await this.#inner.read(this.#input, 0, CHUNK_BYTES);
    }
    if (this.#inputBytes === 0) {
      this.#gunzip.end();
      return;
    }
    const chunk = this.#input.slice(0, this.#inputBytes);
    this.#inputBytes = 0;
    this.#gunzip.write(chunk, () => {
      this.#hungry = true;
      this.#wake();
    });
  }

  #end(fault: string | undefined): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#fault = fault;
      this.#wake();
    }
  }
}
