/** A frame of the traffic that a row of the catalogue is staged on. */
export interface StagedFrame {
  readonly bytes: Uint8Array;
  /** Bytes on the wire, at least those captured. */
  readonly wireBytes: number;
  /** Arrival since the first frame. */
  readonly atNs: number;
  /** LINKTYPE_ value. */
  readonly linkType: number;
}

const ETHERNET = 1;
const HEADER_BYTES = 14 + 20 + 20;
const SYN = 0x02;
const PSH = 0x08;
const ACK = 0x10;
const RECEIVER_ISN = 7000;
const SENDER_ISN = 1000;

/** One TCP connection as a capture of its receiver shows it, for stages without a capture. */
export interface Talk {
  /** Payload of each segment, in order. */
  readonly segments: readonly number[];
  /** Time from one segment to the next. */
  readonly gapNs: number;
  /** Sender's port: connections differ by it. */
  readonly port: number;
  /** Window field of the receiver's segments. */
  readonly window: number;
}

/**
 * Frames of a connection: SYN, SYN-ACK, ACK, then the segments, without an end. Checksums are 0,
 * which `--checksum trust` counts and takes.
 */
export function talk(of: Partial<Talk> = {}): StagedFrame[] {
  const segments = of.segments ?? Array<number>(48).fill(1448);
  const { gapNs = 20_000, port = 40000, window = 65535 } = of;
  const frames: StagedFrame[] = [];
  const add = (from: "sender" | "receiver", seq: number, ack: number, flags: number, len: number) =>
    frames.push({
      bytes: frame({ from, port, seq, ack, flags, len, window }),
      wireBytes: HEADER_BYTES + len,
      atNs: frames.length * gapNs,
      linkType: ETHERNET,
    });
  add("sender", SENDER_ISN, 0, SYN, 0);
  add("receiver", RECEIVER_ISN, SENDER_ISN + 1, SYN | ACK, 0);
  add("sender", SENDER_ISN + 1, RECEIVER_ISN + 1, ACK, 0);
  let seq = SENDER_ISN + 1;
  for (const len of segments) {
    add("sender", seq, RECEIVER_ISN + 1, ACK | PSH, len);
    seq += len;
  }
  return frames;
}

function frame(of: {
  from: "sender" | "receiver";
  port: number;
  seq: number;
  ack: number;
  flags: number;
  len: number;
  window: number;
}): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + of.len);
  const view = new DataView(bytes.buffer);
  const sender = of.from === "sender";
  view.setUint16(12, 0x0800);
  view.setUint16(14, 0x4500);
  view.setUint16(16, 40 + of.len);
  view.setUint16(20, 0x4000);
  view.setUint16(22, 0x4006);
  view.setUint32(26, sender ? 0x0a090001 : 0x0a090002);
  view.setUint32(30, sender ? 0x0a090002 : 0x0a090001);
  view.setUint16(34, sender ? of.port : 80);
  view.setUint16(36, sender ? 80 : of.port);
  view.setUint32(38, of.seq);
  view.setUint32(42, of.ack);
  view.setUint16(46, (5 << 12) | of.flags);
  view.setUint16(48, of.window);
  for (let i = 0; i < of.len; i++) bytes[HEADER_BYTES + i] = (of.seq + i) & 0xff;
  return bytes;
}
