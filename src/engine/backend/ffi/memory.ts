import { must } from "./errno.js";
import { koffi } from "./koffi.js";
import { libc } from "./libc.js";

/** mmap protections and flags (include/uapi/asm-generic/mman*.h). */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;

/** madvise (include/uapi/asm-generic/mman-common.h). */
export const MADV_DONTNEED = 4;

const PAGE = 4096;

/** What to map; absent members mean private, anonymous, readable and writable memory. */
export interface MapRequest {
  readonly bytes: number;
  readonly protection?: number;
  readonly flags?: number;
  readonly fd?: number;
  readonly offset?: number;
}

/**
 * Memory outside the JavaScript heap, with a fixed address that a kernel may keep.
 *
 *      address ......................... address + size
 *      [ bytes: a view, until release() ]
 *
 * A view cannot be taken back from whoever holds it, and touching unmapped memory ends the
 * process. So `release` gives the pages to the kernel and leaves an empty, readable reservation in
 * their place: a view that outlives its memory reads zeros. The address range itself returns with
 * the process.
 */
export class Mapping {
  readonly address: number;
  readonly size: number;
  #bytes: Uint8Array | null = null;
  #view: DataView | null = null;
  #released = false;

  /** @throws SystemError where the kernel refuses. */
  constructor(request: MapRequest) {
    if (!Number.isSafeInteger(request.bytes) || request.bytes <= 0) {
      throw new Error(`a mapping of ${request.bytes} bytes`);
    }
    this.size = Math.ceil(request.bytes / PAGE) * PAGE;
    const protection = request.protection ?? PROT_READ | PROT_WRITE;
    const flags = request.flags ?? MAP_PRIVATE | MAP_ANONYMOUS;
    const { fd = -1, offset = 0 } = request;
    this.address = must(libc().mmap(0, this.size, protection, flags, fd, offset), "mmap");
  }

  /** A view of all bytes; the same one each time. */
  get bytes(): Uint8Array {
    if (this.#released) throw new Error("a view of memory that was given back");
    this.#bytes ??= new Uint8Array(koffi().view(BigInt(this.address), this.size));
    return this.#bytes;
  }

  /** The same bytes as numbers; the same view each time. */
  get view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  /** The address of a part of the mapping, for the kernel; lengths are checked here. */
  at(offset: number, len: number): number {
    if (this.#released || offset < 0 || len < 0 || offset + len > this.size) {
      throw new Error(`bytes ${offset} to ${offset + len} of a mapping of ${this.size}`);
    }
    return this.address + offset;
  }

  /** Gives the memory back; see above. Safe more than once. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#bytes === null) {
      libc().munmap(this.address, this.size);
      return;
    }
    this.#bytes = null;
    this.#view = null;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    const protection = PROT_READ | PROT_WRITE;
    must(libc().mmap(this.address, this.size, protection, flags, -1, 0), "mmap over a view");
  }
}

/** The address of a Buffer's bytes; the caller keeps the Buffer referenced for as long. */
export function addressOf(buffer: Buffer): number {
  return Number(koffi().address(buffer));
}
