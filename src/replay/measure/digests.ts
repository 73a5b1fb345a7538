import { createHash, type Hash } from "node:crypto";
import type { DeliverySink } from "../../engine/app/application.js";
import type { Arena } from "../../engine/memory/arena.js";

/** SHA-256 of what the application received, socket by socket. */
export class Digests implements DeliverySink {
  readonly #bytes: Uint8Array;
  #hashes: Array<Hash | undefined> = [];

  constructor(arena: Arena) {
    this.#bytes = arena.bytes;
  }

  deliver(sock: number, addr: number, len: number): void {
    let hash = this.#hashes[sock];
    if (hash === undefined) {
      hash = createHash("sha256");
      this.#hashes[sock] = hash;
    }
    hash.update(this.#bytes.subarray(addr, addr + len));
  }

  /** The digest of a socket in lower-case hex; that of nothing where nothing was read. */
  take(sock: number): string {
    const hash = this.#hashes[sock] ?? createHash("sha256");
    this.#hashes[sock] = undefined;
    return hash.digest("hex");
  }

  /** Sockets are numbered anew. */
  reset(): void {
    this.#hashes = [];
  }
}
