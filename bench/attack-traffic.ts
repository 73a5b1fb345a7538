import { Prng } from "../dist/engine/clock/prng.js";

/**
 * Captures that are made to cost: small Ethernet frames aimed at one structure of the receiver.
 * Checksums are left out, since `--checksum trust` only counts them.
 *
 *      [pcap ns header][SYN, SYN-ACK, ACK][what attacks] ...
 */

/** One kind of attack. */
export interface Attack {
  readonly name: string;
  readonly aimedAt: string;
  readonly capture: Uint8Array;
}

const FRAMES = 30_000;
const ETHERNET = 14;
const SERVER = 0x0a0000fe;
const CLIENT = 0x0a000001;
const ISN = 1000;
const SYN = 2;
const ACK = 0x10;
const START_SECONDS = 1_700_000_000;
const GAP_NS = 1000;

interface Segment {
  readonly src?: number;
  readonly dst?: number;
  readonly ports?: number;
  readonly seq: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly payloadBytes?: number;
}

/** Writes frames one after the other, a microsecond apart. */
class Writer {
  readonly #parts: Uint8Array[] = [];
  #frames = 0;

  constructor() {
    const header = new DataView(new ArrayBuffer(24));
    header.setUint32(0, 0xa1b23c4d, true);
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    header.setUint32(16, 262_144, true);
    header.setUint32(20, 1, true);
    this.#parts.push(new Uint8Array(header.buffer));
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  /** A TCP segment; a SYN carries MSS and the largest window scale. */
  tcp(of: Segment): this {
    const flags = of.flags ?? ACK;
    const options = (flags & SYN) !== 0 ? 8 : 0;
    const payloadBytes = of.payloadBytes ?? 0;
    const datagram = new Uint8Array(20 + 20 + options + payloadBytes);
    const view = new DataView(datagram.buffer);
    view.setUint32(20, of.ports ?? (40_000 << 16) | 80);
    view.setUint32(24, of.seq);
    view.setUint32(28, of.ack ?? 0);
    view.setUint16(32, ((20 + options) << 10) | flags);
    view.setUint16(34, of.window ?? 65_535);
    if (options > 0) {
      view.setUint32(40, 0x020405b4);
      view.setUint32(44, 0x0103030e);
    }
    datagram.fill(0x61, 40 + options);
    return this.ip(datagram, of.src ?? CLIENT, of.dst ?? SERVER, 6, 0, 0);
  }

  /** An IPv4 datagram, or a fragment; the first 20 bytes are filled in here. */
  ip(
    datagram: Uint8Array,
    src: number,
    dst: number,
    proto: number,
    id: number,
    frag: number,
  ): this {
    const view = new DataView(datagram.buffer);
    view.setUint16(0, 0x4500);
    view.setUint16(2, datagram.length);
    view.setUint16(4, id);
    view.setUint16(6, frag);
    view.setUint16(8, (64 << 8) | proto);
    view.setUint32(12, src);
    view.setUint32(16, dst);
    const length = Math.max(60, ETHERNET + datagram.length);
    const record = new Uint8Array(16 + length);
    const head = new DataView(record.buffer);
    const ns = this.#frames++ * GAP_NS;
    head.setUint32(0, START_SECONDS + Math.floor(ns / 1e9), true);
    head.setUint32(4, ns % 1e9, true);
    head.setUint32(8, length, true);
    head.setUint32(12, length, true);
    head.setUint16(16 + 12, 0x0800);
    record.set(datagram, 16 + ETHERNET);
    this.#parts.push(record);
    return this;
  }

  /** Both SYNs with the largest windows that there are, and the ACK. */
  open(): this {
    this.tcp({ seq: ISN, flags: SYN });
    const back = { src: SERVER, dst: CLIENT, ports: (80 << 16) | 40_000, ack: ISN + 1 };
    this.tcp({ ...back, seq: 5000, flags: SYN | ACK });
    this.tcp({ ...back, seq: 5001 });
    return this.tcp({ seq: ISN + 1, ack: 5001 });
  }
}

/** What nobody is hurt by: one flow in order, frames as small as those of the attacks. */
export function benign(): Uint8Array {
  const writer = new Writer().open();
  for (let i = 0; i < FRAMES; i++) {
    writer.tcp({ seq: ISN + 1 + i * 6, ack: 5001, payloadBytes: 6 });
  }
  return writer.bytes;
}

function data(order: (i: number) => readonly [offset: number, bytes: number]): Uint8Array {
  const writer = new Writer().open();
  for (let i = 0; i < FRAMES; i++) {
    const [offset, payloadBytes] = order(i);
    writer.tcp({ seq: ISN + 1 + offset, ack: 5001, payloadBytes });
  }
  return writer.bytes;
}

/** 8-byte fragments of datagrams that never become whole. */
function fragments(datagrams: number, place: (i: number) => number): Uint8Array {
  const writer = new Writer();
  for (let i = 0; i < FRAMES; i++) {
    const datagram = new Uint8Array(20 + 8);
    const at = place(i);
    writer.ip(datagram, CLIENT + (i % datagrams), SERVER, 6, 7, 0x2000 | at);
  }
  return writer.bytes;
}

/** 1 / value modulo 2^32, of an odd value. */
function inverse(value: number): number {
  let found = value;
  for (let i = 0; i < 5; i++) found = Math.imul(found, 2 - Math.imul(value, found));
  return found | 0;
}

/**
 * Endpoints whose connections have one hash under the given seed: ConnectionTable's hash, solved
 * for the ports.
 */
function flood(seed: number): Uint8Array {
  const prng = new Prng(seed);
  const [m1, m2, m3, m4, m5, m6] = Array.from({ length: 6 }, () => prng.next() | 1) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const x = Math.imul(CLIENT, m1);
  const first = Math.imul(x ^ (x >>> 15), m4);
  const writer = new Writer();
  for (let i = 0; i < FRAMES; i++) {
    const dst = 0x0b000000 + i;
    const y = Math.imul(dst, m2);
    const rest = (12345 - first - Math.imul(y ^ (y >>> 13), m5)) | 0;
    const mixed = Math.imul(rest, inverse(m6));
    const ports = Math.imul(mixed ^ (mixed >>> 16), inverse(m3));
    writer.tcp({ src: CLIENT, dst, ports, seq: 1, payloadBytes: 1 });
  }
  return writer.bytes;
}

/** A SYN with another ISN each: the same endpoints, a new connection. */
function synFlood(): Uint8Array {
  const writer = new Writer();
  for (let i = 0; i < FRAMES; i++) writer.tcp({ seq: i * 2_000_003, flags: SYN });
  return writer.bytes;
}

/** All attacks, for a run with the given seed. */
export function attacks(seed: number): Attack[] {
  const prng = new Prng(99);
  const places = Array.from({ length: FRAMES }, (_, i) => i);
  for (let i = FRAMES - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [places[i], places[j]] = [places[j]!, places[i]!];
  }
  const make = (name: string, aimedAt: string, capture: Uint8Array) => ({ name, aimedAt, capture });
  return [
    make(
      "one-byte",
      "receive queue",
      data((i) => [i, 1]),
    ),
    make(
      "holes-falling",
      "out-of-order tree",
      data((i) => [2 * (FRAMES - i), 1]),
    ),
    make(
      "holes-rising",
      "out-of-order tree",
      data((i) => [2 * i + 1, 1]),
    ),
    make(
      "holes-random",
      "out-of-order tree",
      data((i) => [2 * places[i]! + 1, 1]),
    ),
    make(
      "overlaps",
      "out-of-order tree",
      data(() => [1 + prng.below(100_000), prng.below(1400)]),
    ),
    make(
      "cover-all",
      "out-of-order tree",
      data((i) => [1 + ((FRAMES - i) % 1400), 1 + (i % 1400)]),
    ),
    make(
      "fragments-random",
      "one datagram's fragments",
      fragments(1, (i) => places[i]! % 8000),
    ),
    make(
      "fragments-many",
      "fragment queues",
      fragments(6000, (i) => (i >> 3) % 8000),
    ),
    make(
      "fragments-overlap",
      "fragment queues",
      fragments(64, (i) => places[i]! % 50),
    ),
    make("hash-flood", "connection table", flood(seed)),
    make("syn-flood", "sockets", synFlood()),
  ];
}
