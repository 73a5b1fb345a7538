import { synthesize } from "./synthesize.js";

/** Frames of the piece that is written again and again, and its flows. */
const PIECE_FRAMES = 20_000;
const FLOWS = 64;
const SEGMENT_BYTES = 1448;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SEQ = 14 + 20 + 4;
const CHECKSUM = 14 + 20 + 16;

/**
 * A capture of any length, piece by piece: the same flows go on and on, their sequence numbers,
 * times and checksums moved forward. A part is its taker's: later ones leave it as it is.
 */
export function* longCapture(bytes: number): Generator<Uint8Array> {
  const options = { segmentBytes: SEGMENT_BYTES, flows: FLOWS, seed: 7 };
  const opening = synthesize({ ...options, frames: FLOWS });
  yield opening;
  const piece = synthesize({ ...options, frames: PIECE_FRAMES, handshake: false }).subarray(
    FILE_HEADER,
  );
  const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
  const next = nextSequences(opening);
  const recordBytes = RECORD_HEADER + view.getUint32(8, true);
  let microseconds = 1_000_000;
  for (let made = opening.length; made < bytes; made += piece.length) {
    for (let at = 0; at < piece.length; at += recordBytes) {
      microseconds += 2;
      view.setUint32(at, 1_700_000_000 + Math.floor(microseconds / 1e6), true);
      view.setUint32(at + 4, (microseconds % 1e6) * 1000, true);
      const frame = at + RECORD_HEADER;
      const flow = view.getUint32(frame + 26) & 0xff;
      moveTo(view, frame, next[flow]!);
      next[flow] = (next[flow]! + SEGMENT_BYTES) >>> 0;
    }
    yield piece.slice();
  }
}

/** Where each flow's sender stands behind the opening, by the low byte of its address. */
function nextSequences(capture: Uint8Array): number[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.length);
  const next: number[] = [];
  for (
    let at = FILE_HEADER;
    at < capture.length;
    at += RECORD_HEADER + view.getUint32(at + 8, true)
  ) {
    const frame = at + RECORD_HEADER;
    if (view.getUint32(frame + 26) === 0x0aff0001) continue;
    const flow = view.getUint32(frame + 26) & 0xff;
    const isData = view.getUint32(at + 8, true) > SEGMENT_BYTES;
    const moved = view.getUint32(frame + SEQ) + (isData ? SEGMENT_BYTES : 1);
    next[flow] = moved >>> 0;
  }
  return next;
}

/** Puts another sequence number into a frame and mends its checksum (RFC 1624). */
function moveTo(view: DataView, frame: number, seq: number): void {
  let sum = ~view.getUint16(frame + CHECKSUM) & 0xffff;
  for (const half of [0, 2]) sum += ~view.getUint16(frame + SEQ + half) & 0xffff;
  view.setUint32(frame + SEQ, seq);
  for (const half of [0, 2]) sum += view.getUint16(frame + SEQ + half);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(frame + CHECKSUM, ~sum & 0xffff);
}
