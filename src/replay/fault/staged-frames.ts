import type { StagedFrame } from "../../engine/fault/catalogue/frames.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { openCapture } from "../capture/open.js";
import { MIN_WINDOW_BYTES } from "../capture/reader.js";
import { Schedule } from "../pacing/schedule.js";

/** Frames of a capture that rows are staged on, at most. */
const MAX_FRAMES = 2048;
const SLACK_BYTES = 4096;

/**
 * The first frames of a capture, with their arrival times.
 *
 * @throws NetmemError when nothing of the file is usable.
 */
export async function stagedFrames(path: string): Promise<StagedFrame[]> {
  const bytes = new Uint8Array(MIN_WINDOW_BYTES + SLACK_BYTES);
  const reader = await openCapture(
    path,
    { bytes, start: 0, size: MIN_WINDOW_BYTES },
    { reader: "block", limit: MAX_FRAMES },
  );
  const schedule = new Schedule({ mode: "recorded", multiplier: 1 });
  const batch = new PacketBatch();
  const frames: StagedFrame[] = [];
  try {
    while (await reader.next(batch)) {
      schedule.apply(batch);
      for (let i = 0; i < batch.count; i++) {
        const from = batch.offset[i]!;
        frames.push({
          bytes: bytes.slice(from, from + batch.capturedBytes[i]!),
          wireBytes: batch.wireBytes[i]!,
          atNs: batch.seconds[i]! * 1e9 + batch.nanoseconds[i]!,
          linkType: batch.linkType[i]!,
        });
      }
    }
  } finally {
    reader.close();
  }
  return frames;
}
