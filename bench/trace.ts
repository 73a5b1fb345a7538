import { createHash, type Hash } from "node:crypto";
import type { Arena } from "../dist/engine/memory/arena.js";
import type { PacketBatch } from "../dist/engine/wire/packet-batch.js";

const RECORD_BYTES = 16;
const FILE_HEADER_BYTES = 24;
const NANO_MAGIC = 0xa1b23c4d;
const MICRO_MAGIC = 0xa1b2c3d4;

/**
 * A classic nanosecond capture that lies in the arena, walked again and again; each pass comes
 * later than the one before, so that the model's clock never goes back.
 */
export class Trace {
  readonly packets: number;
  readonly bytes: number;
  readonly #view: DataView;
  readonly #start: number;
  readonly #end: number;
  readonly #spanSeconds: number;
  /** Nanoseconds of one unit of a record's fraction. */
  readonly #fractionNs: number;
  #at: number;
  #baseSeconds = 0;

  constructor(arena: Arena, start: number, capture: Uint8Array) {
    arena.bytes.set(capture, start);
    this.#view = arena.view;
    const magic = arena.view.getUint32(start, true);
    const isEthernet = (arena.view.getUint32(start + 20, true) & 0xffff) === 1;
    if ((magic !== NANO_MAGIC && magic !== MICRO_MAGIC) || !isEthernet) {
      throw new Error("the benchmark takes little-endian classic captures of Ethernet");
    }
    this.#fractionNs = magic === NANO_MAGIC ? 1 : 1000;
    this.#start = start + FILE_HEADER_BYTES;
    this.#end = start + capture.length;
    this.#at = this.#start;
    let packets = 0;
    let bytes = 0;
    let last = 0;
    for (
      let at = this.#start;
      at < this.#end;
      at += RECORD_BYTES + this.#view.getUint32(at + 8, true)
    ) {
      packets++;
      bytes += this.#view.getUint32(at + 8, true);
      last = this.#view.getUint32(at, true);
    }
    this.packets = packets;
    this.bytes = bytes;
    this.#spanSeconds = last - this.#view.getUint32(this.#start, true) + 2;
  }

  /** Walks the records that follow into `batch`; false at the end. */
  next(batch: PacketBatch): boolean {
    const view = this.#view;
    const { offset, capturedBytes, wireBytes, seconds, nanoseconds, linkType } = batch;
    const first = view.getUint32(this.#start, true);
    let at = this.#at;
    let count = 0;
    while (count < batch.capacity && at < this.#end) {
      const captured = view.getUint32(at + 8, true);
      seconds[count] = view.getUint32(at, true) - first + this.#baseSeconds;
      nanoseconds[count] = view.getUint32(at + 4, true) * this.#fractionNs;
      capturedBytes[count] = captured;
      wireBytes[count] = view.getUint32(at + 12, true);
      offset[count] = at + RECORD_BYTES;
      linkType[count] = 1;
      at += RECORD_BYTES + captured;
      count++;
    }
    this.#at = at;
    batch.count = count;
    return count > 0;
  }

  /** Back to the first record; `later` moves the next pass behind this one in time. */
  rewind(later: boolean): void {
    this.#at = this.#start;
    if (later) this.#baseSeconds += this.#spanSeconds;
  }

  /** What each flow's receiver must get: SHA-256 over its payload in order of sequence. */
  digests(): Map<string, string> {
    const flows = new Map<string, { hash: Hash; next: number; late: Map<number, Uint8Array> }>();
    for (let at = this.#start; at < this.#end; ) {
      const captured = this.#view.getUint32(at + 8, true);
      this.#digest(flows, at + RECORD_BYTES);
      at += RECORD_BYTES + captured;
    }
    return new Map([...flows].map(([key, { hash }]) => [key, hash.digest("hex")]));
  }

  #digest(
    flows: Map<string, { hash: Hash; next: number; late: Map<number, Uint8Array> }>,
    frame: number,
  ): void {
    const view = this.#view;
    const l3 = frame + 14;
    const l4 = l3 + ((view.getUint8(l3) & 15) << 2);
    const payload = l4 + ((view.getUint8(l4 + 12) >> 4) << 2);
    const end = l3 + view.getUint16(l3 + 2);
    const syn = (view.getUint8(l4 + 13) & 2) !== 0;
    const key = `${view.getUint32(l3 + 12)} ${view.getUint32(l3 + 16)} ${view.getUint32(l4)}`;
    const seq = view.getUint32(l4 + 4);
    if (syn) {
      flows.set(key, { hash: createHash("sha256"), next: (seq + 1) >>> 0, late: new Map() });
      return;
    }
    let flow = flows.get(key);
    if (flow === undefined) {
      flow = { hash: createHash("sha256"), next: seq, late: new Map() };
      flows.set(key, flow);
    }
    if (end > payload) {
      const bytes = new Uint8Array(view.buffer as ArrayBuffer, payload, end - payload);
      flow.late.set(seq, bytes);
    }
    for (let ready = flow.late.get(flow.next); ready; ready = flow.late.get(flow.next)) {
      flow.hash.update(ready);
      flow.late.delete(flow.next);
      flow.next = (flow.next + ready.length) >>> 0;
    }
  }
}
