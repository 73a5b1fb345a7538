import { KERNELS_BASE64 } from "./kernels-bytes.js";

/**
 * The engine's byte movers, a small WebAssembly module over the arena (source: kernels.wat).
 * Addresses and lengths are arena byte offsets; sums are RFC 1071 ones' complement sums in
 * little-endian byte order, folded to 16 bits: a correct checksum makes the sum 0xffff.
 */
export interface Kernels {
  /** Copies `len` bytes; the ranges may overlap. */
  copy(dst: number, src: number, len: number): void;
  /** Sum of `len` bytes plus `init`. */
  sum(addr: number, len: number, init: number): number;
  /**
   * Places a split frame: `hdrLen` bytes from `src` (rounded up to 16) and `payLen` bytes from
   * `pay`. Returns the TCP checksum's sum: the addresses, the TCP header from `l4` up to `pay`, the
   * payload, and `init` (protocol and length in little-endian order).
   */
  split(
    src: number,
    hdrDst: number,
    hdrLen: number,
    pay: number,
    payDst: number,
    payLen: number,
    addrs: number,
    addrsLen: number,
    l4: number,
    init: number,
  ): number;
}

/** Instantiates the kernels over a memory. */
export function loadKernels(memory: WebAssembly.Memory): Kernels {
  const bytes = Uint8Array.from(atob(KERNELS_BASE64), (char) => char.charCodeAt(0));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { arena: { memory } });
  return instance.exports as unknown as Kernels;
}
