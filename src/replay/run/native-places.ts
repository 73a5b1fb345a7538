import { checksumsWrong } from "../../engine/backend/flows/checksum.js";
import { FrameParser } from "../../engine/backend/flows/frame-parser.js";
import { Survey } from "../../engine/backend/flows/survey.js";
import { PacketBatch } from "../../engine/wire/packet-batch.js";
import { type OpenOptions, openCapture } from "../capture/open.js";
import { MIN_WINDOW_BYTES } from "../capture/reader.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { formatAddress } from "../record/address.js";
import type { StreamRecord } from "../record/schema.js";

/** A byte of a stream. */
export interface Place {
  readonly stream: StreamRecord;
  readonly atByte: number;
}

/**
 * Reads a capture once more, as parity does, to find the packets that carried certain bytes, or
 * that came behind them where nobody carried them; null where there is none. Numbers count from 0.
 */
export async function packetsAt(
  path: string,
  config: ReplayConfig,
  places: readonly Place[],
): Promise<Array<number | null>> {
  const bytes = new Uint8Array(MIN_WINDOW_BYTES + 4096);
  const room = { bytes, start: 0, size: MIN_WINDOW_BYTES };
  const reader = await openCapture(path, room, readingOf(config));
  const batch = new PacketBatch();
  const survey = new Survey(true);
  const parser = new FrameParser(new DataView(bytes.buffer));
  const { frame, joiner } = parser;
  const found: Array<number | null> = places.map(() => null);
  const wanted = new Map(places.map(({ stream }, i) => [keyOf(stream), i]));
  let packet = 0;
  try {
    while (await reader.next(batch)) {
      for (let i = 0; i < batch.count; i++, packet++) {
        const view = parser.parse(batch, i);
        if (view === null) continue;
        if (config.checksum === "verify" && checksumsWrong(view, frame)) continue;
        const index = survey.add(view, frame, packet);
        if (index < 0) continue;
        const direction = survey.directions[index]!;
        const { from, to } = direction;
        const place = wanted.get(
          `${formatAddress(from.address)} ${from.port} ${formatAddress(to.address)} ${to.port}`,
        );
        if (place === undefined || found[place] !== null) continue;
        const end = direction.offsetOf(frame.seq, direction.seen.next) + frame.payloadLen;
        if (end > places[place]!.atByte || frame.payloadLen === 0) {
          if (end >= places[place]!.atByte) found[place] = packet;
        }
      }
    }
    return found;
  } finally {
    reader.close();
    joiner.release();
  }
}

/** How a replay reads its capture. */
export function readingOf({ reader, limit }: ReplayConfig): OpenOptions {
  return limit === null ? { reader } : { reader, limit };
}

function keyOf({ src, sport, dst, dport }: StreamRecord): string {
  return `${src} ${sport} ${dst} ${dport}`;
}
