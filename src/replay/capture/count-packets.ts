import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { openCapture } from "./open.js";
import { MIN_WINDOW_BYTES } from "./reader.js";

const SLACK_BYTES = 4096;

/**
 * Packets of a capture, `limit` at most (null for all).
 *
 * @throws NetmemError when nothing of the file is usable.
 */
export async function countPackets(path: string, limit: number | null): Promise<number> {
  const bytes = new Uint8Array(MIN_WINDOW_BYTES + SLACK_BYTES);
  const window = { bytes, start: 0, size: MIN_WINDOW_BYTES };
  const options = { reader: "block", ...(limit === null ? {} : { limit }) } as const;
  const reader = await openCapture(path, window, options);
  const batch = new PacketBatch();
  let packets = 0;
  try {
    while (await reader.next(batch)) packets += batch.count;
    return packets;
  } finally {
    reader.close();
  }
}
