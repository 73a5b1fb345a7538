import type { Arena } from "../../engine/memory/arena.js";
import type { PacketBatch } from "../../engine/wire/packet-batch.js";

/** Bytes of a slot that the floor copies frames into: a page. */
const SLOT_BYTES = 4096;

/** How the floor copies a frame. */
export type FloorCopy = "wasm" | "copyWithin";

/**
 * The least that any replay must do: walk the records, read the headers, and copy each frame once
 * into an area as large as the provider's, all of its slots in rotation. Its time is the yardstick
 * of the engine's.
 */
export class Floor {
  /** Keeps the header reads alive; a checksum of sorts. */
  digest = 0;
  readonly #arena: Arena;
  readonly #areaStart: number;
  readonly #slots: number;
  #slot = 0;

  constructor(arena: Arena, areaStart: number, areaBytes: number) {
    this.#arena = arena;
    this.#areaStart = areaStart;
    this.#slots = Math.floor(areaBytes / SLOT_BYTES);
  }

  /** Reads the headers of a batch's frames and copies them. */
  run(batch: PacketBatch, copy: FloorCopy): void {
    if (copy === "wasm") this.#wasm(batch);
    else this.#within(batch);
  }

  #wasm(batch: PacketBatch): void {
    const { kernels } = this.#arena;
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      const len = batch.capturedBytes[i]!;
      this.#readHeaders(at, len);
      // A frame that is longer than a slot takes the slots behind it.
      kernels.copy(this.#next(len), at, len);
    }
  }

  #within(batch: PacketBatch): void {
    const { bytes } = this.#arena;
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      const len = batch.capturedBytes[i]!;
      this.#readHeaders(at, len);
      bytes.copyWithin(this.#next(len), at, at + len);
    }
  }

  #next(len: number): number {
    const taken = (len + SLOT_BYTES - 1) >>> 12;
    if (this.#slot + taken > this.#slots) this.#slot = 0;
    const address = this.#areaStart + this.#slot * SLOT_BYTES;
    this.#slot += taken;
    return address;
  }

  /** EtherType, addresses, ports, sequence numbers and flags, where the frame has them. */
  #readHeaders(at: number, len: number): void {
    if (len < 54) return;
    const { view } = this.#arena;
    const l4 = at + 14 + ((view.getUint8(at + 14) & 15) << 2);
    this.digest =
      (this.digest +
        view.getUint16(at + 12) +
        view.getInt32(at + 26) +
        view.getInt32(at + 30) +
        view.getInt32(l4) +
        view.getInt32(l4 + 4) +
        view.getInt32(l4 + 8) +
        view.getInt32(l4 + 12)) |
      0;
  }
}
