import type { Frame } from "../../wire/frame.js";
import { TCP_ACK, TCP_SYN } from "../sys/tcp.js";
import type { Direction } from "./direction.js";
import { takeOffJumbo } from "./jumbo.js";
import { withoutSignature } from "./signatures.js";

const CHECKSUM_AT = 16;

/**
 * Makes a captured segment fit for the socket that waits for it, in place:
 *
 *      length       as many bytes as the capture has; a jumbo payload length goes
 *      addresses    those of the run, where the connection is mapped
 *      ACK field    the socket's own: it never sends, so nothing else may be acknowledged
 *      signature    no-ops instead (TCP-MD5, TCP-AO)
 *      SYN          taken off a segment that brought payload with it, and an ACK put on
 *
 * The TCP checksum is carried along word by word (RFC 1624), so that a wrong one stays wrong and a
 * right one right. The IPv4 header checksum is made anew.
 */
export class Rewriter {
  /** Packets whose ACK field was changed. */
  acks = 0;
  /** Packets that were signed. */
  signatures = 0;

  /** Rewrites the segment that `frame` describes; answers the bytes of its IP packet. */
  rewrite(view: DataView, frame: Frame, direction: Direction): number {
    if (direction.v6) takeOffJumbo(view, frame);
    const { l3, l4 } = frame;
    const bytes = frame.payload + frame.payloadLen - l3;
    let sum = ~view.getUint16(l4 + CHECKSUM_AT) & 0xffff;
    const carries = (frame.flags & TCP_SYN) !== 0 && frame.payloadLen > 0;
    if ((carries || (frame.flags & TCP_ACK) !== 0) && frame.ack !== direction.ack) {
      sum += changed32(view, l4 + 8, direction.ack);
      this.acks++;
    }
    if (carries) {
      sum += changed32(view, l4 + 4, (frame.seq + 1) | 0);
      sum += changed16(view, l4 + 12, (view.getUint16(l4 + 12) & ~TCP_SYN) | TCP_ACK);
    }
    const unsigned = withoutSignature(view, frame);
    if (unsigned !== null) {
      sum += changedBytes(view, l4 + 20, unsigned);
      this.signatures++;
    }
    const { from, to } = direction;
    if (from.wireAddress !== from.address) {
      const at = l3 + (direction.v6 ? 8 : 12);
      sum += changedBytes(view, at, from.wireAddress);
      sum += changedBytes(view, at + from.address.length, to.wireAddress);
      sum += changed16(view, l4, from.wirePort);
      sum += changed16(view, l4 + 2, to.wirePort);
    }
    view.setUint16(l4 + CHECKSUM_AT, ~folded(sum) & 0xffff);
    if (direction.v6) view.setUint16(l3 + 4, bytes - 40);
    else finishIpv4(view, l3, bytes);
    return bytes;
  }
}

/** Sets length and checksum of an IPv4 header. */
export function finishIpv4(view: DataView, l3: number, bytes: number): void {
  view.setUint16(l3 + 2, bytes);
  view.setUint16(l3 + 10, 0);
  const headerBytes = (view.getUint8(l3) & 15) << 2;
  let sum = 0;
  for (let at = l3; at < l3 + headerBytes; at += 2) sum += view.getUint16(at);
  view.setUint16(l3 + 10, ~folded(sum) & 0xffff);
}

/** Writes a 16-bit word; answers what a one's complement sum over the packet gains by it. */
function changed16(view: DataView, at: number, value: number): number {
  const gain = (~view.getUint16(at) & 0xffff) + value;
  view.setUint16(at, value);
  return gain;
}

function changed32(view: DataView, at: number, value: number): number {
  return changed16(view, at, value >>> 16) + changed16(view, at + 2, value & 0xffff);
}

function changedBytes(view: DataView, at: number, bytes: Uint8Array): number {
  let gain = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    gain += changed16(view, at + i, (bytes[i]! << 8) | bytes[i + 1]!);
  }
  return gain;
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 65536);
  return rest;
}
