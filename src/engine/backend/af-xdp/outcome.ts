import type { StreamRow } from "../../tcp/streams.js";
import type { StreamOutcome } from "../backend.js";

/** A row of the engine's TCP in the words of a native report. */
export function outcomeOf(row: StreamRow): StreamOutcome {
  return {
    src: addressBytes(row.src),
    sport: row.sport,
    dst: addressBytes(row.dst),
    dport: row.dport,
    bytes: row.bytes,
    payload: row.payload,
    gaps: row.gaps,
    end: row.end,
    midStream: row.midStream,
    oneSided: row.oneSided,
    readableBytes: row.bytes,
    holeAtPacket: -1,
  };
}

function addressBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word);
  return bytes;
}
