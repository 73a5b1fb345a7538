import type { PacketBatch } from "../../engine/wire/packet-batch.js";
import { MAX_FRAME_BYTES } from "./reader.js";

/** The walker can say no more before the feed has more bytes. */
export const NEED = 0;
/** The batch holds what was asked for; there may be more. */
export const READY = 1;
/** The capture is over, or cannot be trusted any further. */
export const END = 2;

/** How far behind a damaged place the next record is looked for. */
export const RESYNC_BYTES = 2 * MAX_FRAME_BYTES;
/** Bytes wanted in the window to look that far: the range, and two records to check behind it. */
export const RESYNC_WINDOW_BYTES = RESYNC_BYTES + 2 * (MAX_FRAME_BYTES + 64);

/** Turns a feed's bytes into packets: the part of a reader that knows a capture format. */
export interface Walker {
  /** Records that were whole but not handed out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /**
   * Appends packets to `batch` until `batch.count` reaches `room`, and moves the feed's `pos`
   * behind them. Answers {@link NEED}, never at the feed's `eof`, {@link READY} or {@link END}.
   * How the bytes arrive, in blocks or one by one, makes no difference to what is handed out.
   */
  walk(batch: PacketBatch, room: number): number;
}
