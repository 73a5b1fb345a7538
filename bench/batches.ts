import { PacketBatch } from "../dist/engine/wire/packet-batch.js";
import { openCapture } from "../dist/replay/capture/open.js";

/** Reads a capture into `window` and hands it over batch by batch. */
export async function batches(
  path: string,
  window: { bytes: Uint8Array; start: number; size: number },
  take: (batch: PacketBatch) => void,
): Promise<void> {
  const reader = await openCapture(path, window, { reader: "block" });
  const batch = new PacketBatch();
  while (await reader.next(batch)) {
    take(batch);
  }
  reader.close();
}
