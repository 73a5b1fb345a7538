import type { Frame } from "../../wire/frame.js";
import { IPPROTO_TCP } from "../../wire/frame.js";

/** Whether a whole TCP segment's checksum, and an IPv4 header's, are right. */
export function checksumsRight(view: DataView, frame: Frame): boolean {
  const { l3, l4, payload, payloadLen } = frame;
  const four = frame.version === 4;
  const right = segmentSum(view, l3, l4, payload + payloadLen - l4) === 0xffff;
  if (!right || !four) return right;
  return folded(sum(view, l3, (view.getUint8(l3) & 15) << 2)) === 0xffff;
}

/** The ones' complement sum of a TCP segment of `bytes` at `l4`; 0xffff where it is right. */
export function segmentSum(view: DataView, l3: number, l4: number, bytes: number): number {
  const four = view.getUint8(l3) >> 4 === 4;
  const addresses = four ? sum(view, l3 + 12, 8) : sum(view, l3 + 8, 32);
  return folded(sum(view, l4, bytes) + addresses + bytes + IPPROTO_TCP);
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
