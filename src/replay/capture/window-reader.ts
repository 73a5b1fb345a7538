import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import type { DamageLog } from "./damage.js";
import type { Feed } from "./feed.js";
import type { CaptureFacts, CaptureReader } from "./reader.js";
import type { ByteSource } from "./source.js";
import { Tally } from "./tally.js";
import { END, NEED, type Walker } from "./walker.js";

/** The parts that `openCapture` puts together. */
export interface ReaderParts {
  readonly path: string;
  /** See {@link CaptureFacts.format}. */
  readonly format: string;
  readonly source: ByteSource;
  readonly feed: Feed;
  readonly walker: Walker;
  readonly damage: DamageLog;
  /** Packets to hand out at most. */
  readonly limit: number;
  /** What the file's header says all frames are; null where each interface says it. */
  readonly linkType: number | null;
}

/**
 * A capture reader: bytes from a source, through a feed, to packets by a walker.
 *
 *      source --fill--> feed's window --walk--> batch
 *
 * `next` answers with a promise only where the source makes it wait.
 */
export class WindowReader implements CaptureReader {
  readonly #parts: ReaderParts;
  readonly #tally = new Tally();
  #isOver = false;
  #sha256: string | undefined;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  next(batch: PacketBatch): boolean | Promise<boolean> {
    batch.count = 0;
    while (this.#wantsBytes(batch)) {
      const pending = this.#parts.feed.fill();
      if (pending !== undefined) {
        return this.#nextLater(batch, pending);
      }
    }
    return batch.count > 0 || this.#finish();
  }

  /**
   * Valid once `next` answered false. A plain file is hashed to its end, whatever was read of it;
   * so is a stream, unless a limit ended the reading: then the hash covers what was taken from it.
   */
  facts(): CaptureFacts {
    const { path, format, walker, damage, linkType } = this.#parts;
    if (!this.#isOver) throw new Error("facts() before the capture was read to its end");
    this.#sha256 ??= this.#parts.source.sha256();
    const { packets, bytes, durationNs } = this.#tally;
    const linkTypes = linkType === null ? this.#tally.linkTypes : [linkType];
    const counts = { linkTypes, packets, bytes, durationNs, skipped: walker.skipped };
    return { path, sha256: this.#sha256, format, ...counts, damage: damage.places() };
  }

  async finish(): Promise<CaptureFacts> {
    if (this.#sha256 === undefined && this.#parts.source.regular) await this.#parts.source.drain();
    this.#seal();
    this.close();
    return this.facts();
  }

  close(): void {
    this.#isOver = true;
    this.#parts.source.close();
  }

  async #nextLater(batch: PacketBatch, first: Promise<void>): Promise<boolean> {
    let pending: Promise<void> | undefined = first;
    do {
      await pending;
      pending = this.#wantsBytes(batch) ? this.#parts.feed.fill() : undefined;
    } while (pending !== undefined);
    return batch.count > 0 || this.#finish();
  }

  /** Walks on; true if the batch is still empty and there may be more to fill it with. */
  #wantsBytes(batch: PacketBatch): boolean {
    const { limit, walker, source, feed, damage } = this.#parts;
    const room = Math.min(batch.capacity, limit - this.#tally.packets);
    if (this.#isOver || room === 0) {
      return false;
    }
    const state = walker.walk(batch, room);
    this.#tally.take(batch);
    if (state === END) {
      this.#isOver = true;
      if (feed.eof && source.trouble !== undefined) {
        damage.note(feed.offsetOf(feed.end), source.trouble);
      }
    } else if (state === NEED && feed.eof) {
      throw new Error("a walker wants bytes behind the capture's end");
    }
    return state === NEED && batch.count === 0;
  }

  /** The end: what was not read still belongs to the hash. Answers false, as `next` then does. */
  #finish(): boolean | Promise<boolean> {
    const { source } = this.#parts;
    const pending = this.#sha256 === undefined && this.#mayDrain() ? source.drain() : undefined;
    if (pending !== undefined) {
      return pending.then(() => this.#seal());
    }
    return this.#seal();
  }

  #mayDrain(): boolean {
    return this.#parts.source.regular || this.#tally.packets < this.#parts.limit;
  }

  #seal(): false {
    this.#isOver = true;
    this.#sha256 ??= this.#parts.source.sha256();
    return false;
  }
}
