import { IPPROTO_TCP } from "../../wire/frame.js";
import { Mapping } from "../ffi/memory.js";
import type { Direction } from "../flows/direction.js";
import { finishIpv4 } from "../flows/rewrite.js";
import { TCP_ACK, TCP_FIN, TCP_PSH } from "../sys/tcp.js";
import { INJECT_HEADROOM, type WirePacket } from "./injector.js";

const TCP_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const IPV4_HEADER_BYTES = 20;

/** What one direction has that was not sent yet. */
interface Pending {
  readonly bytes: Uint8Array;
  /** Bytes in `bytes`, and the stream offset behind them. */
  filled: number;
  next: number;
  finAt: number;
  ended: boolean;
  /** Pieces behind a hole. */
  ahead: Array<{ from: number; bytes: Uint8Array }>;
}

/**
 * Rebuilds a direction's byte stream as segments of whole pages, as LRO hardware would: the bytes
 * are the capture's, the packets are not.
 *
 *      segments in any order -> in order, each byte once -> [4096 k bytes][4096 k bytes]...[rest]
 */
export class Coalescer {
  /** Segments made. */
  segments = 0;
  readonly #bytes: number;
  readonly #memory: Mapping;
  readonly #view: DataView;
  readonly #send: (packet: WirePacket, direction: Direction, end: number) => void;
  #pending: Array<Pending | undefined> = [];

  constructor(
    bytes: number,
    send: (packet: WirePacket, direction: Direction, end: number) => void,
  ) {
    this.#bytes = bytes;
    this.#send = send;
    const room = INJECT_HEADROOM + IPV6_HEADER_BYTES + TCP_HEADER_BYTES + bytes;
    this.#memory = new Mapping({ bytes: room });
    const { buffer, byteOffset, byteLength } = this.#memory.bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Takes a segment: `len` bytes at `at` of `view`, which are the stream's from `from` on. */
  add(
    direction: Direction,
    view: DataView,
    at: number,
    from: number,
    len: number,
    fin: boolean,
  ): void {
    const pending = this.#of(direction);
    if (pending.ended) return;
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, len);
    // A FIN before what came already is old data: it ends nothing.
    if (fin && pending.finAt < 0 && from + len >= pending.next) pending.finAt = from + len;
    if (from > pending.next) {
      if (len > 0) pending.ahead.push({ from, bytes: bytes.slice() });
      return;
    }
    this.#append(direction, pending, bytes, from);
    for (let i = pending.ahead.findIndex((piece) => piece.from <= pending.next); i >= 0; ) {
      const [piece] = pending.ahead.splice(i, 1);
      this.#append(direction, pending, piece!.bytes, piece!.from);
      i = pending.ahead.findIndex((other) => other.from <= pending.next);
    }
    if (pending.finAt < 0 || pending.next < pending.finAt) return;
    pending.ended = true;
    this.#emit(direction, pending, TCP_FIN);
  }

  /** Sends what has not filled a segment. */
  flush(direction: Direction): void {
    const pending = this.#pending[direction.index];
    if (pending !== undefined && pending.filled > 0) this.#emit(direction, pending, 0);
  }

  /** The next pass begins. */
  restart(): void {
    this.#pending = [];
  }

  release(): void {
    this.#memory.release();
  }

  #of(direction: Direction): Pending {
    let pending = this.#pending[direction.index];
    if (pending === undefined) {
      const bytes = new Uint8Array(this.#bytes);
      pending = { bytes, filled: 0, next: 0, finAt: -1, ended: false, ahead: [] };
      this.#pending[direction.index] = pending;
    }
    return pending;
  }

  /** Appends what of a piece is new; it begins at or before `next`. */
  #append(direction: Direction, pending: Pending, piece: Uint8Array, from: number): void {
    let at = pending.next - from;
    while (at < piece.length) {
      const take = Math.min(piece.length - at, this.#bytes - pending.filled);
      pending.bytes.set(piece.subarray(at, at + take), pending.filled);
      pending.filled += take;
      pending.next += take;
      at += take;
      if (pending.filled === this.#bytes) this.#emit(direction, pending, 0);
    }
  }

  #emit(direction: Direction, pending: Pending, fin: number): void {
    const ipBytes = direction.v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    const headerBytes = ipBytes + TCP_HEADER_BYTES;
    const bytes = headerBytes + pending.filled;
    const at = INJECT_HEADROOM;
    const view = this.#view;
    const first = pending.next - pending.filled;
    this.#memory.bytes.fill(0, at, at + headerBytes);
    this.#memory.bytes.set(pending.bytes.subarray(0, pending.filled), at + headerBytes);
    this.#ipHeader(direction, at, bytes);
    const tcp = at + ipBytes;
    view.setUint16(tcp, direction.from.wirePort);
    view.setUint16(tcp + 2, direction.to.wirePort);
    view.setInt32(tcp + 4, (direction.start + first) | 0);
    view.setInt32(tcp + 8, direction.ack);
    view.setUint8(tcp + 12, (TCP_HEADER_BYTES / 4) << 4);
    view.setUint8(tcp + 13, TCP_ACK | TCP_PSH | fin);
    view.setUint16(tcp + 14, 0xffff);
    const end = pending.filled > 0 ? pending.next : -1;
    pending.filled = 0;
    this.segments++;
    const { v6 } = direction;
    const packet = { memory: this.#memory, at, bytes, ipBytes, headerBytes, v6, trusted: true };
    this.#send(packet, direction, end);
  }

  #ipHeader({ v6, from, to }: Direction, at: number, bytes: number): void {
    const view = this.#view;
    const out = this.#memory.bytes;
    if (v6) {
      view.setUint32(at, 0x60000000);
      view.setUint16(at + 4, bytes - IPV6_HEADER_BYTES);
      view.setUint16(at + 6, (IPPROTO_TCP << 8) | 64);
      out.set(from.wireAddress, at + 8);
      out.set(to.wireAddress, at + 24);
      return;
    }
    view.setUint16(at, 0x4500);
    view.setUint16(at + 6, 0x4000);
    view.setUint16(at + 8, (64 << 8) | IPPROTO_TCP);
    out.set(from.wireAddress, at + 12);
    out.set(to.wireAddress, at + 16);
    finishIpv4(view, at, bytes);
  }
}
