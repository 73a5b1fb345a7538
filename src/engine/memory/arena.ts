import { type Kernels, loadKernels } from "./kernels.js";

/** Bytes of a WebAssembly memory page. */
const WASM_PAGE = 65536;

/**
 * All memory of a run in one buffer, addressed by integers: the read window that capture readers
 * fill, and for each receive path its provider area, system pages and user buffer.
 *
 *      [read window .. slack][path 0: area | pages | user buffer][path 1: ...]
 *
 * The buffer is a WebAssembly memory, so that bytes move by `memory.copy` (an order of magnitude
 * cheaper a call than `copyWithin`) and checksums are summed 16 bytes at a time.
 */
export class Arena {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly kernels: Kernels;

  /** @throws RangeError when `byteLength` exceeds what one memory can have (4 GiB). */
  constructor(byteLength: number) {
    const pages = Math.ceil(byteLength / WASM_PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.kernels = loadKernels(memory);
  }
}
