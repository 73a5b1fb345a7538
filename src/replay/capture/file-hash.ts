import { createHash, type Hash } from "node:crypto";
import { fstatSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { startThread } from "../start-thread.js";

/** From this size on a second thread is worth its start, about 30 ms. */
export const THREAD_BYTES = 32 << 20;

/**
 * The SHA-256 of a plain file that is being read: of what the reader shows it, or, for a large
 * file, by a thread that reads the file beside the reader.
 *
 *      reader --- read() ---> walker, engine         one CPU
 *      thread --- pread() --> SHA-256                another
 */
export class FileHash {
  readonly #hash: Hash = createHash("sha256");
  readonly #thread: Worker | null = null;
  readonly #told: Promise<string> | null = null;
  #digest: string | undefined;

  /** Begins; the file stays the caller's, and open until {@link close}. */
  constructor(fd: number) {
    if (fstatSync(fd).size < THREAD_BYTES) return;
    const url = new URL("./hash-worker.js", import.meta.url);
    const thread = startThread(url, { workerData: fd });
    this.#thread = thread;
    this.#told = new Promise((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
    // Whoever waits for it meets the error; a run that ends before does not.
    this.#told.catch(() => {});
  }

  /** Whether the reader shows its bytes here, down to the end. */
  get wantsBytes(): boolean {
    return this.#thread === null;
  }

  /** Takes the next bytes of the file. */
  update(bytes: Uint8Array): void {
    if (this.#thread === null) this.#hash.update(bytes);
  }

  /** Waits for the thread, where there is one. */
  async finish(): Promise<void> {
    if (this.#told !== null) this.#digest = await this.#told;
  }

  /** Lower-case hex, of all that was shown; of a large file once {@link finish} is through. */
  hex(): string {
    if (this.#digest === undefined && this.#thread !== null) throw new Error("not hashed yet");
    this.#digest ??= this.#hash.digest("hex");
    return this.#digest;
  }

  /** Ends the thread. Safe more than once. */
  close(): void {
    void this.#thread?.terminate();
  }
}
