import type { Frame } from "../../wire/frame.js";
import { FRAME_TCP, IPPROTO_TCP } from "../../wire/frame.js";

/** Whether a whole TCP segment's checksum, and an IPv4 header's, are right. */
export function checksumsRight(view: DataView, frame: Frame): boolean {
  const { l3, l4, payload, payloadLen } = frame;
  const right = segmentSum(view, l3, l4, payload + payloadLen - l4) === 0xffff;
  return right && headerRight(view, frame);
}

/** Whether a kernel that looks drops a frame for its checksums. What was cut cannot be summed. */
export function checksumsWrong(view: DataView, frame: Frame): boolean {
  return frame.kind === FRAME_TCP && frame.cutBytes === 0 && !checksumsRight(view, frame);
}

/** Whether the checksum of an IPv4 header is right; IPv6 has none. */
export function headerRight(view: DataView, { version, l3 }: Frame): boolean {
  return version !== 4 || folded(sum(view, l3, (view.getUint8(l3) & 15) << 2)) === 0xffff;
}

/** The ones' complement sum of a TCP segment of `bytes` at `l4`; 0xffff where it is right. */
export function segmentSum(view: DataView, l3: number, l4: number, bytes: number): number {
  const four = view.getUint8(l3) >> 4 === 4;
  const addresses = four ? sum(view, l3 + 12, 8) : sum(view, l3 + 8, 32);
  return folded(sum(view, l4, bytes) + addresses + bytes + IPPROTO_TCP);
}

/** Makes an IPv4 header checksum that is right wrong. */
export function spoilHeader(view: DataView, l3: number): void {
  view.setUint16(l3 + 10, view.getUint16(l3 + 10) ^ 1);
}

/** Sum of the 16-bit words of `len` bytes; a last odd byte is the upper half of a word. */
function sum(view: DataView, at: number, len: number): number {
  const even = at + (len & ~1);
  let total = 0;
  for (let i = at; i < even; i += 2) total += view.getUint16(i);
  return (len & 1) === 0 ? total : total + (view.getUint8(even) << 8);
}

function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 65536);
  return rest;
}
