import type { ApplicationCounts, DeliverySink } from "./application.js";

/** Why bytes were copied on the way to the application; indices into {@link COPY_REASONS}. */
export const COPY_RECVMSG = 0;
export const COPY_LINEAR = 1;
export const COPY_UNSTEERED = 2;
export const COPY_DEFRAGMENTED = 3;

/**
 * The record's names of the reasons: an application that reads by copy; payload that the NIC left
 * in the linear part; a flow on a queue without provider; IP fragments.
 */
export const COPY_REASONS: readonly string[] = ["recvmsg", "linear", "unsteered", "defragmented"];

/** Where the bytes of an application go, and what it counts. */
export class Delivery {
  readonly sink: DeliverySink | null;
  deliveredBytes = 0;
  referenceBytes = 0;
  readonly copiedBytes = new Float64Array(COPY_REASONS.length);

  constructor(sink: DeliverySink | null) {
    this.sink = sink;
  }

  /** `len` bytes at `addr` are passed by reference; {@link referenced} counts them. */
  reference(sock: number, addr: number, len: number): void {
    if (this.sink !== null) this.sink.deliver(sock, addr, len);
  }

  /** Bytes of {@link reference}, of a whole call at once. */
  referenced(bytes: number): void {
    this.deliveredBytes += bytes;
    this.referenceBytes += bytes;
  }

  /** `len` bytes were copied to `addr` for a reason. */
  copied(sock: number, addr: number, len: number, reason: number): void {
    this.deliveredBytes += len;
    this.copiedBytes[reason]! += len;
    if (this.sink !== null) this.sink.deliver(sock, addr, len);
  }

  /** The counts, with what the application adds. */
  counts(events: Record<string, number>, warnings: Record<string, number>): ApplicationCounts {
    const copiedBytes: Record<string, number> = {};
    COPY_REASONS.forEach((reason, i) => {
      if (this.copiedBytes[i]! > 0) copiedBytes[reason] = this.copiedBytes[i]!;
    });
    const { deliveredBytes, referenceBytes } = this;
    return {
      deliveredBytes,
      referenceBytes,
      copiedBytes,
      events: nonZero(events),
      warnings: nonZero(warnings),
    };
  }
}

/** The entries that are not zero. */
function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, times]) => times !== 0));
}
