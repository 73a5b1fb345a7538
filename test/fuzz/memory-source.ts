import type { ByteSource } from "../../src/replay/capture/source.js";

/** A capture's bytes in memory, handed out in pieces of a given size. */
export class MemorySource implements ByteSource {
  readonly regular: boolean;
  readonly trouble: string | undefined = undefined;
  readonly #bytes: Uint8Array;
  readonly #pieceBytes: number;
  #at = 0;

  /** `regular`: it passes for a plain file, else for a stream. */
  constructor(bytes: Uint8Array, pieceBytes: number, regular: boolean) {
    this.#bytes = bytes;
    this.#pieceBytes = pieceBytes;
    this.regular = regular;
  }

  read(bytes: Uint8Array, at: number, room: number): number {
    const part = this.#bytes.subarray(this.#at, this.#at + Math.min(room, this.#pieceBytes));
    bytes.set(part, at);
    this.#at += part.length;
    return part.length;
  }

  drain(): void {}

  sha256(): string {
    return "";
  }

  close(): void {}
}
