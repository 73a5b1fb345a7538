import { closeSync, openSync, writeSync } from "node:fs";
import { BLOCK_BYTES, MAX_FRAME_BYTES } from "./reader.js";
import { CLASSIC_HEADER_BYTES } from "./sniff.js";

/** Form of a classic capture to be written. */
export interface PcapForm {
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** Nanosecond timestamps; microseconds otherwise. Default true. */
  readonly nano?: boolean;
  /** Byte order of all fields. Default false. */
  readonly bigEndian?: boolean;
  /** Snapshot length of the file header, in bytes. Default {@link MAX_FRAME_BYTES}. */
  readonly snaplen?: number;
}

/** One packet to be written. */
export interface PcapPacketData {
  readonly seconds: number;
  /** 0 to 999,999,999; a microsecond file keeps the whole microseconds. */
  readonly nanoseconds: number;
  readonly frame: Uint8Array;
  /** Bytes on the wire; the frame's length where it is absent. */
  readonly wireBytes?: number;
}

/** Bytes of a record header. */
const RECORD_HEADER_BYTES = 16;

/** The file header, 24 bytes (pcap-savefile(5), version 2.4). */
export function pcapHeader(form: PcapForm): Uint8Array {
  const header = new Uint8Array(CLASSIC_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const little = form.bigEndian !== true;
  view.setUint32(0, form.nano === false ? 0xa1b2c3d4 : 0xa1b23c4d, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, form.snaplen ?? MAX_FRAME_BYTES, little);
  view.setUint32(20, form.linkType, little);
  return header;
}

/** One record: 16 bytes of header and the frame. */
export function pcapRecord(form: PcapForm, packet: PcapPacketData): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_BYTES + packet.frame.length);
  putRecord(record, 0, form, packet);
  return record;
}

/** A whole capture in memory: header and records. */
export function encodeClassicPcap(form: PcapForm, packets: Iterable<PcapPacketData>): Uint8Array {
  const parts = [pcapHeader(form), ...Array.from(packets, (packet) => pcapRecord(form, packet))];
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * Writes a whole capture, in blocks of 1 MiB.
 *
 * @param target a path, which is created or emptied, or an open file descriptor, which is left open
 * @throws the operating system's error
 */
export function writeClassicPcap(
  target: string | number,
  form: PcapForm,
  packets: Iterable<PcapPacketData>,
): void {
  const fd = typeof target === "number" ? target : openSync(target, "w");
  try {
    const block = new Uint8Array(BLOCK_BYTES + RECORD_HEADER_BYTES + MAX_FRAME_BYTES);
    block.set(pcapHeader(form));
    let filled = CLASSIC_HEADER_BYTES;
    for (const packet of packets) {
      if (filled > BLOCK_BYTES) {
        writeWhole(fd, block, filled);
        filled = 0;
      }
      filled += putRecord(block, filled, form, packet);
    }
    writeWhole(fd, block, filled);
  } finally {
    if (typeof target === "string") {
      closeSync(fd);
    }
  }
}

function putRecord(to: Uint8Array, at: number, form: PcapForm, packet: PcapPacketData): number {
  const view = new DataView(to.buffer, to.byteOffset + at, RECORD_HEADER_BYTES);
  const little = form.bigEndian !== true;
  const fraction = form.nano === false ? Math.floor(packet.nanoseconds / 1000) : packet.nanoseconds;
  view.setUint32(0, packet.seconds, little);
  view.setUint32(4, fraction, little);
  view.setUint32(8, packet.frame.length, little);
  view.setUint32(12, packet.wireBytes ?? packet.frame.length, little);
  to.set(packet.frame, at + RECORD_HEADER_BYTES);
  return RECORD_HEADER_BYTES + packet.frame.length;
}

function writeWhole(fd: number, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; ) {
    at += writeSync(fd, bytes, at, length - at);
  }
}
