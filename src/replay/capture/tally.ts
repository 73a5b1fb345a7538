import type { PacketBatch } from "../../engine/wire/packet-batch.js";

/** Counts what a reader hands out, a batch at a time. */
export class Tally {
  /** LINKTYPE_ values in order of first appearance. */
  readonly linkTypes: number[] = [];
  packets = 0;
  /** Captured bytes. */
  bytes = 0;
  #lastLinkType = -1;
  /** Earliest and latest timestamp, seconds and nanoseconds. */
  #minSeconds = 0;
  #minNs = 0;
  #maxSeconds = 0;
  #maxNs = 0;

  take(batch: PacketBatch): void {
    if (this.packets === 0 && batch.count > 0) {
      this.#minSeconds = this.#maxSeconds = batch.seconds[0]!;
      this.#minNs = this.#maxNs = batch.nanoseconds[0]!;
    }
    this.packets += batch.count;
    for (let i = 0; i < batch.count; i++) {
      this.bytes += batch.capturedBytes[i]!;
      if (batch.linkType[i] !== this.#lastLinkType) {
        this.#seeLinkType(batch.linkType[i]!);
      }
      const seconds = batch.seconds[i]!;
      const ns = batch.nanoseconds[i]!;
      if (seconds > this.#maxSeconds || (seconds === this.#maxSeconds && ns > this.#maxNs)) {
        this.#maxSeconds = seconds;
        this.#maxNs = ns;
      } else if (seconds < this.#minSeconds || (seconds === this.#minSeconds && ns < this.#minNs)) {
        this.#minSeconds = seconds;
        this.#minNs = ns;
      }
    }
  }

  /** Latest minus earliest timestamp: last minus first, unless the times go back. */
  get durationNs(): bigint {
    const seconds = BigInt(this.#maxSeconds) - BigInt(this.#minSeconds);
    return seconds * 1_000_000_000n + BigInt(this.#maxNs - this.#minNs);
  }

  #seeLinkType(linkType: number): void {
    this.#lastLinkType = linkType;
    if (!this.linkTypes.includes(linkType)) {
      this.linkTypes.push(linkType);
    }
  }
}
