import type { NativeBackend } from "../backend/backend.js";
import type { PacketBatch } from "../wire/packet-batch.js";
import type { FaultEvent } from "./fault-log.js";
import type { PlannedFault } from "./plan.js";
import { actOnKernel } from "./real-faults.js";

/** A fault that happened to a kernel: no model time is known of it. */
export type RealEvent = Omit<FaultEvent, "atNs">;

/**
 * What {@link FaultDirector} is to the model, for a real provider: batches are cut where a fault is
 * due, and the backend knows nothing of plans. Its plan has faults by packet alone.
 *
 *      batch     [ a  b  c | d  e  f ]      what was injected before the cut has been read
 */
export class RealDirector {
  readonly events: RealEvent[] = [];
  readonly #backend: NativeBackend;
  /** Still to come, in the order of their packets. */
  readonly #coming: PlannedFault[];
  #packets = 0;

  constructor(backend: NativeBackend, faults: readonly PlannedFault[]) {
    this.#backend = backend;
    this.#coming = [...faults].sort((a, b) => packetOf(a) - packetOf(b));
  }

  /** Replays a batch, with the faults that are due on the way. */
  ingest(batch: PacketBatch): void {
    let from = 0;
    for (let fault = this.#coming[0]; fault !== undefined; fault = this.#coming[0]) {
      const at = packetOf(fault) - 1 - this.#packets;
      if (at >= batch.count) break;
      if (at > from) {
        this.#backend.ingest(batch.part(from, at));
        from = at;
      }
      this.#coming.shift();
      const effect = actOnKernel(this.#backend.upsettable!, fault);
      this.events.push({ fault: fault.text, packet: packetOf(fault), effect });
    }
    this.#packets += batch.count;
    if (batch.count > from)
      this.#backend.ingest(from === 0 ? batch : batch.part(from, batch.count));
  }

  /** Faults that never came to pass, in words. */
  get missed(): string[] {
    return this.#coming.map(
      ({ text }) => `fault ${text} did not happen: the capture ended before it`,
    );
  }
}

function packetOf({ when }: PlannedFault): number {
  return when.at === "packet" ? when.packet : Number.POSITIVE_INFINITY;
}
