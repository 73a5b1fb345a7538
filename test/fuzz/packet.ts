import type { Prng } from "../../src/engine/clock/prng.js";

/** One packet of a capture under mutation. */
export interface Packet {
  seconds: number;
  nanoseconds: number;
  bytes: Uint8Array;
  /** Bytes on the wire as the record claims them. */
  wireBytes: number;
  /** Captured bytes as the record claims them; the frame's length where undefined. */
  claimedBytes?: number;
}

/** Where the headers of a frame lie; -1 where there is none. */
export interface Layers {
  readonly l3: number;
  readonly version: number;
  /** TCP header of an unfragmented IPv4 packet, or of IPv6 without extension headers. */
  readonly tcp: number;
  readonly payload: number;
  /** Behind the IP datagram, within the frame. */
  readonly end: number;
}

/** Bytes in front of the network header, by LINKTYPE_ value. */
const LINK_BYTES: Readonly<Record<number, number>> = {
  0: 4,
  1: 14,
  101: 0,
  108: 4,
  113: 16,
  276: 20,
};

/** LINKTYPE_ values that captures under mutation have. */
export const LINK_TYPES: readonly number[] = [1, 1, 1, 101, 113, 276, 0, 108, 147];

/** A whole number from `low` to `high`. */
export function between(prng: Prng, low: number, high: number): number {
  return low + prng.below(high - low + 1);
}

/** One of several. */
export function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[prng.below(from.length)]!;
}

/** True once in `n` times on average. */
export function oneIn(prng: Prng, n: number): boolean {
  return prng.below(n) === 0;
}

/** Numbers at which length and sequence arithmetic breaks, as u32. */
const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 19, 20, 21, 27, 28, 39, 40, 59, 60, 63, 64, 127, 128, 255, 256, 1447,
  1448, 1460, 1500, 4095, 4096, 4097, 65534, 65535, 65536, 262143, 262144, 262145, 0x7fffffff,
  0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
];

/** A number that is likely to be wrong somewhere. */
export function oddNumber(prng: Prng): number {
  return oneIn(prng, 3) ? prng.next() : pick(prng, EDGES);
}

/** Finds the headers of a frame as far as a mutator needs them. */
export function layersOf(bytes: Uint8Array, linkType: number): Layers {
  const none = { l3: -1, version: 0, tcp: -1, payload: -1, end: bytes.length };
  let l3 = LINK_BYTES[linkType] ?? -1;
  if (l3 < 0 || bytes.length < l3 + 20) return none;
  const view = viewOf(bytes);
  if (linkType === 1) {
    let type = view.getUint16(12);
    while ((type === 0x8100 || type === 0x88a8) && bytes.length >= l3 + 24) {
      type = view.getUint16(l3 + 2);
      l3 += 4;
    }
  }
  const version = bytes[l3]! >> 4;
  if (version === 4) {
    const head = (bytes[l3]! & 15) << 2;
    const end = Math.min(bytes.length, l3 + view.getUint16(l3 + 2));
    const whole = bytes[l3 + 9] === 6 && (view.getUint16(l3 + 6) & 0x3fff) === 0;
    return withTcp(bytes, { ...none, l3, version, end }, whole ? l3 + head : -1);
  }
  if (version !== 6 || bytes.length < l3 + 40) return { ...none, l3, version };
  const end = Math.min(bytes.length, l3 + 40 + view.getUint16(l3 + 4));
  return withTcp(bytes, { ...none, l3, version, end }, bytes[l3 + 6] === 6 ? l3 + 40 : -1);
}

function withTcp(bytes: Uint8Array, layers: Layers, tcp: number): Layers {
  if (tcp < 0 || tcp + 20 > layers.end) return layers;
  const payload = Math.min(layers.end, tcp + Math.max((bytes[tcp + 12]! >> 4) << 2, 20));
  return { ...layers, tcp, payload };
}

/** A view of a frame's bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `bytes` with `removed` bytes at `at` replaced by `inserted`. */
export function spliced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  inserted: Uint8Array,
): Uint8Array {
  const made = new Uint8Array(bytes.length - removed + inserted.length);
  made.set(bytes.subarray(0, at));
  made.set(inserted, at);
  made.set(bytes.subarray(at + removed), at + inserted.length);
  return made;
}

/** A packet with other bytes, all of which the record claims. */
export function withBytes(packet: Packet, bytes: Uint8Array): Packet {
  const { seconds, nanoseconds } = packet;
  return { seconds, nanoseconds, bytes, wireBytes: bytes.length };
}

/** Random bytes. */
export function noise(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.below(256));
}

/** Writes lengths and checksums anew, so that a packet is refused for nothing but its content. */
export function mend(bytes: Uint8Array, linkType: number): void {
  const { l3, version } = layersOf(bytes, linkType);
  if (l3 < 0) return;
  const view = viewOf(bytes);
  const left = bytes.length - l3;
  if (version === 4) {
    view.setUint16(l3 + 2, Math.min(left, 65535));
    view.setUint16(l3 + 10, 0);
    const head = Math.min((bytes[l3]! & 15) << 2, left);
    view.setUint16(l3 + 10, checksum(bytes, l3, l3 + head, 0));
  } else if (version === 6 && left >= 40) view.setUint16(l3 + 4, Math.min(left - 40, 65535));
  const { tcp, end } = layersOf(bytes, linkType);
  if (tcp < 0) return;
  const [from, to] = version === 4 ? [l3 + 12, l3 + 20] : [l3 + 8, l3 + 40];
  view.setUint16(tcp + 16, 0);
  const pseudo = 0xffff & ~checksum(bytes, from, to, 6 + (end - tcp));
  view.setUint16(tcp + 16, checksum(bytes, tcp, end, pseudo));
}

function checksum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let sum = start;
  for (let i = from; i < to; i++) sum += (i - from) % 2 === 0 ? bytes[i]! << 8 : bytes[i]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}
