import { segmentSum } from "../flows/checksum.js";
import { finishIpv4 } from "../flows/rewrite.js";
import { TCP_FIN, TCP_PSH } from "../sys/tcp.js";
import type { WirePacket } from "./injector.js";

/** The longest IP packet. */
export const MAX_IP_BYTES = 65535;
const CHECKSUM_AT = 16;

/**
 * Sends a segment that no IP packet can hold (BIG TCP) as several, in place: once a part is sent,
 * its tail makes room for the header of the next one.
 *
 *      [header][part 1 ............][part 2 ......]
 *                          [header][part 2 ......]
 *
 * The parts of a packet whose checksum was wrong, and is to be looked at, have wrong ones too.
 *
 * @param send takes a part and the payload bytes up to its end.
 */
export function splitSegment(
  packet: WirePacket,
  maxBytes: number,
  send: (part: WirePacket, payloadEnd: number) => void,
): void {
  const { memory, headerBytes, ipBytes } = packet;
  const { buffer, byteOffset, byteLength } = memory.bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const total = packet.bytes - headerBytes;
  const header = memory.bytes.slice(packet.at, packet.at + headerBytes);
  const seq = view.getInt32(packet.at + ipBytes + 4);
  const flags = view.getUint8(packet.at + ipBytes + 13);
  const payloadAt = packet.at + headerBytes;
  const segmentBytes = packet.bytes - ipBytes;
  const trusted =
    packet.trusted || segmentSum(view, packet.at, packet.at + ipBytes, segmentBytes) === 0xffff;
  for (let done = 0; done < total; ) {
    const take = Math.min(maxBytes - headerBytes, total - done);
    const at = payloadAt + done - headerBytes;
    const last = done + take === total;
    memory.bytes.set(header, at);
    view.setInt32(at + ipBytes + 4, (seq + done) | 0);
    view.setUint8(at + ipBytes + 13, last ? flags : flags & ~(TCP_FIN | TCP_PSH));
    const bytes = headerBytes + take;
    if (packet.v6) view.setUint16(at + 4, bytes - 40);
    else finishIpv4(view, at, bytes);
    if (!trusted) setWrongChecksum(view, at, at + ipBytes, bytes - ipBytes);
    done += take;
    send({ ...packet, at, bytes, trusted }, done);
  }
}

function setWrongChecksum(view: DataView, l3: number, l4: number, bytes: number): void {
  view.setUint16(l4 + CHECKSUM_AT, 0);
  const right = ~segmentSum(view, l3, l4, bytes) & 0xffff;
  view.setUint16(l4 + CHECKSUM_AT, right ^ 1);
}
