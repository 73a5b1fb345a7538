import type { Arena } from "./arena.js";
import type { Kernels } from "./kernels.js";

/**
 * An arena over memory that somebody else made, such as a mapping that a kernel writes into. Same
 * addresses, same kernels as {@link Arena}, in plain JavaScript.
 */
export function foreignArena(bytes: Uint8Array): Arena {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, view, kernels: plainKernels(bytes, view) };
}

/** The byte movers without WebAssembly. */
export function plainKernels(bytes: Uint8Array, view: DataView): Kernels {
  const copy = (dst: number, src: number, len: number) => {
    bytes.copyWithin(dst, src, src + len);
  };
  const sum = (addr: number, len: number, init: number) => folded(wordSum(view, addr, len) + init);
  return {
    copy,
    sum,
    split(src, hdrDst, hdrLen, pay, payDst, payLen, addrs, addrsLen, l4, init) {
      const header = wordSum(view, addrs, addrsLen) + wordSum(view, l4, pay - l4);
      copy(hdrDst, src, hdrLen);
      copy(payDst, pay, payLen);
      return folded(header + wordSum(view, payDst, payLen) + init);
    },
  };
}

/** Sum of little-endian 16-bit words, four bytes at a time; exact for any frame. */
function wordSum(view: DataView, addr: number, len: number): number {
  const end = addr + len;
  let at = addr;
  let total = 0;
  for (; at + 4 <= end; at += 4) {
    const word = view.getUint32(at, true);
    total += (word & 0xffff) + (word >>> 16);
  }
  if (at + 2 <= end) {
    total += view.getUint16(at, true);
    at += 2;
  }
  return at < end ? total + view.getUint8(at) : total;
}

/** Ones' complement addition of the carries, down to 16 bits. */
function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 65536);
  return rest;
}
