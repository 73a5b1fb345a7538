import type { Arena } from "../memory/arena.js";
import { FRAME_OTHER_IP, type Frame } from "../wire/frame.js";

const IPPROTO_UDP = 17;

/**
 * Protocol and length, below 16 MiB, of TCP's pseudo header (RFC 9293 3.1, RFC 8200 8.1),
 * little-endian as the sums are.
 */
export function tcpInit(length: number): number {
  return 0x0600 + ((length & 0xff) << 8) + ((length >> 8) & 0xff) + ((length >>> 8) & 0xff00);
}

/** The ones' complement sum of a TCP segment in the read window; 0xffff where it is right. */
export function tcpSum({ kernels }: Arena, frame: Frame): number {
  const v4 = frame.version === 4;
  const length = frame.payload + frame.payloadLen - frame.l4;
  const addrs = kernels.sum(frame.l3 + (v4 ? 12 : 8), v4 ? 8 : 32, tcpInit(length));
  return kernels.sum(frame.l4, length, addrs);
}

/** The sum of a whole UDP datagram, 0xffff where it is right; -1 where there is none to check. */
export function udpSum({ view, kernels }: Arena, frame: Frame, end: number): number {
  const { l3, l4 } = frame;
  if (frame.kind !== FRAME_OTHER_IP || frame.proto !== IPPROTO_UDP || l4 + 8 > end) return -1;
  const length = view.getUint16(l4 + 4);
  if (length < 8 || l4 + length > end || view.getUint16(l4 + 6) === 0) return -1;
  const v4 = frame.version === 4;
  const init = (IPPROTO_UDP << 8) + ((length & 0xff) << 8) + (length >> 8);
  const addrs = kernels.sum(l3 + (v4 ? 12 : 8), v4 ? 8 : 32, init);
  return kernels.sum(l4, length, addrs);
}
