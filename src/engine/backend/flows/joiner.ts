import type { Frame } from "../../wire/frame.js";
import { LINKTYPE_RAW } from "../../wire/link.js";
import { Mapping } from "../ffi/memory.js";
import { finishIpv4 } from "./rewrite.js";

/** Room in front of a joined datagram for what an injector puts there. */
const HEADROOM = 64;
const MAX_DATAGRAM_BYTES = 65535;
const MAX_IP_HEADER_BYTES = 60;
/** Datagrams under way at most; the oldest gives way. */
const MAX_WAITING = 1024;

interface Waiting {
  /** The first fragment's IP header, once it came. */
  header: Uint8Array | null;
  readonly pieces: Array<{ from: number; bytes: Uint8Array }>;
  /** Bytes of the datagram, once its last fragment came. */
  total: number;
  have: number;
}

/**
 * Joins IP fragments before they are injected, as ip_defrag would behind the wire: a repeat is
 * dropped, any other overlap drops the datagram (net/ipv4/inet_fragment.c, RFC 5722). A joined
 * datagram lies behind `start` until the next one, as a raw IP packet without fragment fields.
 */
export class Joiner {
  readonly memory = new Mapping({ bytes: HEADROOM + MAX_DATAGRAM_BYTES + MAX_IP_HEADER_BYTES });
  readonly view: DataView;
  readonly start = HEADROOM;
  readonly linkType = LINKTYPE_RAW;
  /** Datagrams joined. */
  joined = 0;
  readonly #waiting = new Map<string, Waiting>();

  constructor() {
    const { buffer, byteOffset, byteLength } = this.memory.bytes;
    this.view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Takes a parsed fragment; answers the joined packet's bytes, or 0 while some are missing. */
  add(view: DataView, frame: Frame): number {
    const key = keyOf(view, frame);
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      if (this.#waiting.size >= MAX_WAITING) {
        this.#waiting.delete(this.#waiting.keys().next().value!);
      }
      waiting = { header: null, pieces: [], total: -1, have: 0 };
      this.#waiting.set(key, waiting);
    }
    const from = frame.fragOffset;
    const to = from + frame.payloadLen;
    const place = placeOf(waiting, from, to, frame);
    if (place === "repeat") return 0;
    if (place === "overlap") {
      this.#waiting.delete(key);
      return 0;
    }
    const bytes = bytesAt(view, frame.payload, frame.payloadLen).slice();
    waiting.pieces.push({ from, bytes });
    waiting.have += bytes.length;
    if (!frame.moreFragments) waiting.total = to;
    if (from === 0) waiting.header = bytesAt(view, frame.l3, frame.payload - frame.l3).slice();
    if (waiting.header === null || waiting.have !== waiting.total) return 0;
    this.#waiting.delete(key);
    return this.#join(waiting, waiting.header, frame);
  }

  #join(waiting: Waiting, header: Uint8Array, frame: Frame): number {
    const { bytes } = this.memory;
    const at = this.start;
    const six = frame.version === 6;
    const headerBytes = six ? 40 : header.length;
    if (headerBytes + waiting.total > MAX_DATAGRAM_BYTES) return 0;
    bytes.set(header.subarray(0, headerBytes), at);
    for (const { from, bytes: piece } of waiting.pieces) bytes.set(piece, at + headerBytes + from);
    if (six) {
      // Extension headers in front of the fragment header are left out with it.
      this.view.setUint16(at + 4, waiting.total);
      bytes[at + 6] = frame.proto;
    } else {
      this.view.setUint16(at + 6, 0);
      finishIpv4(this.view, at, headerBytes + waiting.total);
    }
    this.joined++;
    return headerBytes + waiting.total;
  }

  /** Forgets what waits and what was joined: another pass over the same capture begins. */
  restart(): void {
    this.#waiting.clear();
    this.joined = 0;
  }

  release(): void {
    this.memory.release();
  }
}

/** Where a fragment falls among those that came. */
function placeOf(
  { pieces, total }: Waiting,
  from: number,
  to: number,
  frame: Frame,
): "fits" | "repeat" | "overlap" {
  if (to > MAX_DATAGRAM_BYTES || to === from) return "overlap";
  if (frame.moreFragments && (to & 7) !== 0) return "overlap";
  if (total >= 0 && (to > total || (!frame.moreFragments && to !== total))) return "overlap";
  for (const piece of pieces) {
    const end = piece.from + piece.bytes.length;
    if (from >= piece.from && to <= end) return "repeat";
    if (from < end && to > piece.from) return "overlap";
  }
  return "fits";
}

function keyOf(view: DataView, frame: Frame): string {
  const six = frame.version === 6;
  const addresses = bytesAt(view, frame.l3 + (six ? 8 : 12), six ? 32 : 8).join(".");
  return `${addresses} ${frame.fragId} ${six ? "" : frame.proto}`;
}

function bytesAt(view: DataView, at: number, len: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, len);
}
