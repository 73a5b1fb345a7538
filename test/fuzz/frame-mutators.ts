import type { Prng } from "../../src/engine/clock/prng.js";
import {
  between,
  layersOf,
  mend,
  noise,
  oddNumber,
  oneIn,
  type Packet,
  pick,
  spliced,
  viewOf,
  withBytes,
} from "./packet.js";

/** Changes one packet; several where it is cut in pieces, none where it cannot be changed so. */
type FrameMutator = (prng: Prng, packet: Packet, linkType: number) => Packet[] | null;

const SYN_OPTIONS = [
  [2, 4, 5, 180],
  [3, 3, 14],
  [3, 3, 255],
  [4, 2],
  [8, 10, 0, 0, 0, 1, 0, 0, 0, 0],
  [8, 10, 255, 255, 255, 255, 128, 0, 0, 0],
  [8, 2],
  [5, 10, 0, 0, 0, 0, 255, 255, 255, 255],
  [5, 34],
  [2, 0],
  [19, 18],
  [254, 1],
  [1],
  [0],
];

/** Sequence, ACK, flags, window, data offset or urgent pointer. */
const tcpFields: FrameMutator = (prng, packet, linkType) => {
  const bytes = packet.bytes.slice();
  const { tcp } = layersOf(bytes, linkType);
  if (tcp < 0) return null;
  const view = viewOf(bytes);
  const near = (at: number) => {
    const step = oneIn(prng, 2) ? between(prng, -3000, 3000) : oddNumber(prng);
    view.setUint32(at, (view.getUint32(at) + step) >>> 0);
  };
  switch (prng.below(8)) {
    case 0:
    case 1:
      near(tcp + 4);
      break;
    case 2:
      near(tcp + 8);
      break;
    case 3:
      bytes[tcp + 13] = pick(prng, [0, 1, 2, 4, 0x10, 0x11, 0x12, 0x14, 0x18, 0x29, 0x30, 0xff]);
      break;
    case 4:
      view.setUint16(tcp + 14, oddNumber(prng) & 0xffff);
      break;
    case 5:
      bytes[tcp + 12] = prng.below(16) << 4;
      break;
    case 6:
      view.setUint16(tcp + 18, oddNumber(prng) & 0xffff);
      bytes[tcp + 13]! |= 0x20;
      break;
    default:
      view.setUint16(tcp + 2 * prng.below(2), prng.below(65536));
  }
  if (!oneIn(prng, 8)) mend(bytes, linkType);
  return [withBytes(packet, bytes)];
};

/** TCP options put in front of those that are there, the data offset right or not. */
const tcpOptions: FrameMutator = (prng, packet, linkType) => {
  const { tcp, payload } = layersOf(packet.bytes, linkType);
  if (tcp < 0) return null;
  const options: number[] = [];
  for (let n = 1 + prng.below(4); n > 0; n--) options.push(...pick(prng, SYN_OPTIONS));
  while (options.length % 4 !== 0) options.push(oneIn(prng, 2) ? 1 : prng.below(256));
  const room = 60 - (payload - tcp);
  const put = Uint8Array.from(options.slice(0, Math.max(room, 0) & ~3));
  const bytes = spliced(packet.bytes, tcp + 20, 0, put);
  const words = (bytes[tcp + 12]! >> 4) + put.length / 4;
  bytes[tcp + 12] = oneIn(prng, 8) ? prng.below(256) : words << 4;
  mend(bytes, linkType);
  return [withBytes(packet, bytes)];
};

/** Version, header length, total length, identification, fragment bits, protocol, next header. */
const ipFields: FrameMutator = (prng, packet, linkType) => {
  const bytes = packet.bytes.slice();
  const { l3, version } = layersOf(bytes, linkType);
  if (l3 < 0) return null;
  const view = viewOf(bytes);
  const choice = prng.below(6);
  if (choice === 0) bytes[l3] = prng.below(256);
  else if (version === 4) {
    if (choice === 1) view.setUint16(l3 + 2, oddNumber(prng) & 0xffff);
    else if (choice === 2) view.setUint16(l3 + 6, oddNumber(prng) & 0xffff);
    else if (choice === 3) bytes[l3 + 9] = prng.below(256);
    else if (choice === 4) view.setUint16(l3 + 4, prng.below(4));
    else view.setUint32(l3 + 12 + 4 * prng.below(2), prng.next());
  } else if (bytes.length >= l3 + 40) {
    if (choice === 1) view.setUint16(l3 + 4, oddNumber(prng) & 0xffff);
    else bytes[l3 + 6] = pick(prng, [0, 6, 17, 43, 44, 50, 51, 58, 59, 60, 135, 255]);
  }
  return [withBytes(packet, bytes)];
};

/** IPv6 extension headers put behind the fixed header, their chain right or not. */
const extensionHeaders: FrameMutator = (prng, packet, linkType) => {
  const { l3, version } = layersOf(packet.bytes, linkType);
  if (version !== 6 || packet.bytes.length < l3 + 40) return null;
  let bytes = packet.bytes;
  for (let n = 1 + prng.below(oneIn(prng, 10) ? 40 : 3); n > 0; n--) {
    const kind = pick(prng, [0, 43, 44, 60, 60, 60, 51]);
    const header = noise(prng, kind === 44 ? 8 : 8 * (1 + prng.below(2)));
    header[0] = bytes[l3 + 6]!;
    header[1] = kind === 44 ? 0 : oneIn(prng, 10) ? prng.below(256) : header.length / 8 - 1;
    bytes = spliced(bytes, l3 + 40, 0, header);
    bytes[l3 + 6] = kind;
  }
  viewOf(bytes).setUint16(l3 + 4, bytes.length - l3 - 40);
  return [withBytes(packet, bytes)];
};

/** IPv4 fragments of 8 bytes and up; out of order, doubled, overlapping or incomplete. */
const fragments: FrameMutator = (prng, packet, linkType) => {
  const { l3, version, end } = layersOf(packet.bytes, linkType);
  if (version !== 4) return null;
  const head = (packet.bytes[l3]! & 15) << 2;
  if (head < 20 || l3 + head >= end) return null;
  const size = 8 * between(prng, 1, 20);
  const made: Packet[] = [];
  const bytes = end - l3 - head;
  for (let at = 0; at < bytes && made.length < 24; at += size) {
    const from = oneIn(prng, 12) ? Math.max(0, at - 8 * between(prng, 1, 3)) : at;
    const data = packet.bytes.subarray(l3 + head + from, Math.min(l3 + head + at + size, end));
    const frame = spliced(packet.bytes.subarray(0, l3 + head), l3 + head, 0, data);
    const more = at + size < bytes ? 0x2000 : 0;
    viewOf(frame).setUint16(l3 + 6, more | (from >> 3));
    mend(frame, linkType);
    made.push(withBytes(packet, frame));
  }
  if (oneIn(prng, 3)) made.reverse();
  if (oneIn(prng, 3)) made.splice(prng.below(made.length), 1);
  if (oneIn(prng, 3)) made.push(pick(prng, made.length > 0 ? made : [packet]));
  return made;
};

/** TCP segments of one byte and up; some overlap, or carry other bytes at the same place. */
const segments: FrameMutator = (prng, packet, linkType) => {
  const { tcp, payload, end } = layersOf(packet.bytes, linkType);
  if (tcp < 0 || end - payload < 2) return null;
  const size = oneIn(prng, 3) ? 1 : between(prng, 1, 400);
  const made: Packet[] = [];
  for (let at = payload; at < end && made.length < 24; at += size) {
    const from = Math.max(payload, at - (oneIn(prng, 6) ? between(prng, 1, 50) : 0));
    const data = packet.bytes.slice(from, Math.min(at + size, end));
    if (oneIn(prng, 10)) data[0]! ^= 0xff;
    const frame = spliced(packet.bytes.subarray(0, payload), payload, 0, data);
    const view = viewOf(frame);
    view.setUint32(tcp + 4, (view.getUint32(tcp + 4) + from - payload) >>> 0);
    mend(frame, linkType);
    made.push(withBytes(packet, frame));
  }
  for (let swaps = prng.below(made.length); swaps > 0; swaps--) {
    const [a, b] = [prng.below(made.length), prng.below(made.length)];
    [made[a], made[b]] = [made[b]!, made[a]!];
  }
  return made;
};

/** VLAN tags, PPPoE, or another EtherType. */
const linkHeaders: FrameMutator = (prng, packet, linkType) => {
  if (linkType !== 1 || packet.bytes.length < 14) return null;
  const tags: number[] = [];
  for (let n = 1 + prng.below(oneIn(prng, 10) ? 12 : 2); n > 0; n--) {
    tags.push(
      ...pick(prng, [
        [0x81, 0, 0, 7],
        [0x88, 0xa8, 0, 9],
        [0x88, 0x64, 0x11, 0],
      ]),
    );
  }
  const bytes = spliced(packet.bytes, 12, 0, Uint8Array.from(tags));
  if (oneIn(prng, 4)) viewOf(bytes).setUint16(12, pick(prng, [0x800, 0x86dd, 0x806, 0, 1500]));
  return [withBytes(packet, bytes)];
};

const flipBytes: FrameMutator = (prng, packet) => {
  const bytes = packet.bytes.slice();
  if (bytes.length === 0) return null;
  const reach = oneIn(prng, 3) ? bytes.length : Math.min(80, bytes.length);
  for (let n = 1 + prng.below(4); n > 0; n--) bytes[prng.below(reach)] = prng.below(256);
  return [withBytes(packet, bytes)];
};

const cut: FrameMutator = (prng, packet) => {
  const bytes = packet.bytes.slice(0, prng.below(packet.bytes.length + 1));
  const isSnapped = oneIn(prng, 2);
  return [{ ...withBytes(packet, bytes), ...(isSnapped ? { wireBytes: packet.wireBytes } : {}) }];
};

const grow: FrameMutator = (prng, packet) => {
  const length = oneIn(prng, 20) ? between(prng, 4000, 70_000) : between(prng, 1, 64);
  return [withBytes(packet, spliced(packet.bytes, packet.bytes.length, 0, noise(prng, length)))];
};

/** What can happen to one packet. */
export const FRAME_MUTATORS: readonly FrameMutator[] = [
  tcpFields,
  tcpFields,
  tcpFields,
  tcpOptions,
  ipFields,
  extensionHeaders,
  fragments,
  segments,
  linkHeaders,
  flipBytes,
  cut,
  grow,
];
