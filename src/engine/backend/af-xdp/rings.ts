import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { MAP_POPULATE, MAP_SHARED, Mapping } from "../ffi/memory.js";
import { SOL_XDP, XDP_MMAP_OFFSETS } from "../sys/xdp.js";

/** Bytes of struct xdp_desc, and of an entry of the fill and completion rings. */
export const DESC_BYTES = 16;
export const ADDR_BYTES = 8;

/** struct xdp_ring_offset: where a ring's words lie in its mapping. */
export interface RingOffsets {
  readonly producer: number;
  readonly consumer: number;
  readonly desc: number;
}

/** The offsets of the four rings: RX, TX, fill, completion (struct xdp_mmap_offsets). */
export function ringOffsets(fd: number): RingOffsets[] {
  const answer = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(answer.length);
  must(libc().getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, answer, length), "XDP_MMAP_OFFSETS");
  return [0, 32, 64, 96].map((at) => ({
    producer: Number(answer.readBigUInt64LE(at)),
    consumer: Number(answer.readBigUInt64LE(at + 8)),
    desc: Number(answer.readBigUInt64LE(at + 16)),
  }));
}

/** A ring shared with the kernel: its two positions and its entries as 32-bit words. */
export class SharedRing {
  readonly words: Int32Array;
  /** Word indices of the positions and of the first entry. */
  readonly producerAt: number;
  readonly consumerAt: number;
  readonly entriesAt: number;
  readonly mask: number;
  readonly #memory: Mapping;

  constructor(
    fd: number,
    pageOffset: number,
    offsets: RingOffsets,
    shape: { entries: number; entryBytes: number },
  ) {
    this.#memory = new Mapping({
      bytes: offsets.desc + shape.entries * shape.entryBytes,
      flags: MAP_SHARED | MAP_POPULATE,
      fd,
      offset: pageOffset,
    });
    const { buffer, byteOffset, byteLength } = this.#memory.bytes;
    this.words = new Int32Array(buffer, byteOffset, byteLength >> 2);
    this.producerAt = offsets.producer >> 2;
    this.consumerAt = offsets.consumer >> 2;
    this.entriesAt = offsets.desc >> 2;
    this.mask = shape.entries - 1;
  }

  /** Position behind the last entry that was produced. */
  get producer(): number {
    return Atomics.load(this.words, this.producerAt);
  }

  set producer(position: number) {
    Atomics.store(this.words, this.producerAt, position);
  }

  /** Position of the first entry that was not consumed. */
  get consumer(): number {
    return Atomics.load(this.words, this.consumerAt);
  }

  set consumer(position: number) {
    Atomics.store(this.words, this.consumerAt, position);
  }

  release(): void {
    this.#memory.release();
  }
}
