import type { PacketBatch } from "../../engine/wire/packet-batch.js";

/** Where a reader puts frames: a part of the engine's arena. */
export interface ReadWindow {
  /** The arena's bytes. Frames are written straight into it, between the two offsets below. */
  readonly bytes: Uint8Array;
  /** First byte of the window, an offset in `bytes`. */
  readonly start: number;
  /** Bytes of the window, at least {@link MIN_WINDOW_BYTES}; 64 more bytes behind it are slack. */
  readonly size: number;
}

/** Bytes read from a file at a time. */
export const BLOCK_BYTES = 1024 * 1024;

/** The longest frame taken; libpcap's MAXIMUM_SNAPLEN. A longer one is damage. */
export const MAX_FRAME_BYTES = 262_144;

/** A window must hold one block and the record that a block's end cut in two. */
export const MIN_WINDOW_BYTES = BLOCK_BYTES + 2 * MAX_FRAME_BYTES;

/** A place where the capture could not be trusted: what precedes it was read. */
export interface Damage {
  /** Byte offset in the capture (after decompression) where the trouble starts. */
  readonly offset: number;
  /** A stable kebab-case reason, such as `cut-record` or `bad-record-length`. */
  readonly reason: string;
}

/** What is known of a capture once its last packet was read. */
export interface CaptureFacts {
  readonly path: string;
  /** SHA-256 of the bytes as they are stored (compressed, if they are), lower-case hex. */
  readonly sha256: string;
  /** `pcap`, `pcap-ns` or `pcapng`, with `.gz` behind it when it came compressed. */
  readonly format: string;
  /** LINKTYPE_ values: the classic header's, else of the packets, in order of appearance. */
  readonly linkTypes: readonly number[];
  /** Packets handed out in batches. */
  readonly packets: number;
  /** Captured bytes of these packets. */
  readonly bytes: number;
  /** Last minus first timestamp in nanoseconds (may exceed 2^53, hence bigint). */
  readonly durationNs: bigint;
  /** Records that were not handed out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly damage: readonly Damage[];
}

/**
 * One capture, read front to back.
 *
 * `next` fills the batch with the frames that follow and tells whether there were any; a reader of
 * a stream may answer with a promise. The frames lie in the window until the next call. Damage
 * never throws: the reader hands out what precedes it, notes it in `facts().damage` and ends.
 *
 * @throws NetmemError from its opening function when nothing of the file is usable.
 */
export interface CaptureReader {
  next(batch: PacketBatch): boolean | Promise<boolean>;
  /** Valid once `next` answered false, or after `finish`. */
  facts(): CaptureFacts;
  /**
   * Ends the reading wherever it is: the facts of what was read. A plain file is hashed to its end
   * all the same, a stream as far as it was taken.
   */
  finish(): Promise<CaptureFacts>;
  /** Releases the file; safe at any time and more than once. */
  close(): void;
}
