import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  Mapping,
  PROT_READ,
  PROT_WRITE,
} from "../ffi/memory.js";

/**
 * Address space that a socket's pages are mapped into, used round and round.
 *
 *      [ free | held, oldest first ......... | free ]
 *              ^ oldest                       ^ next
 */
export class PageWindow {
  /** Bytes that are mapped and not given back. */
  heldBytes = 0;
  /** Its socket was closed: it is done with as soon as nothing is held. */
  forgotten = false;
  /** When the kernel mapped pages last. */
  sinceNs = 0;
  /** Payload bytes of an skb in its head. */
  linearBytes = 0;
  readonly memory: Mapping;
  #oldest = 0;
  #next = 0;

  constructor(bytes: number) {
    this.memory = new Mapping({ bytes, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE });
  }

  /** Puts the window before a socket. */
  open(fd: number, linearBytes: number): void {
    const { size } = this.memory;
    const at = this.memory.at(0, size);
    must(libc().mmap(at, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), "mmap(tcp socket)");
    this.linearBytes = linearBytes;
    this.forgotten = false;
    this.#oldest = 0;
    this.#next = 0;
  }

  /** Offset at which the next pages go. */
  get next(): number {
    return this.#next;
  }

  /** Bytes that can be mapped there in one piece. */
  get room(): number {
    const { size } = this.memory;
    return Math.min(size - this.#next, size - this.heldBytes);
  }

  /** The kernel has mapped `bytes`. */
  mapped(bytes: number, nowNs: number): void {
    this.sinceNs = nowNs;
    this.heldBytes += bytes;
    this.#next = (this.#next + bytes) % this.memory.size;
  }

  /** The oldest `bytes`, which were mapped by one call, go back. */
  giveBack(bytes: number): void {
    const at = this.memory.at(this.#oldest, bytes);
    must(libc().madvise(at, bytes, MADV_DONTNEED), "madvise(tcp socket)");
    this.#oldest = (this.#oldest + bytes) % this.memory.size;
    this.heldBytes -= bytes;
  }

  /** The next call maps over what was mapped, and gives it back by that. */
  startOver(): void {
    this.heldBytes = 0;
    this.#oldest = 0;
    this.#next = 0;
  }

  /** Anonymous memory takes the place of the socket, so that no view of its pages can fault. */
  clear(): void {
    const { size } = this.memory;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    const at = this.memory.at(0, size);
    must(libc().mmap(at, size, PROT_READ | PROT_WRITE, flags, -1, 0), "mmap");
    this.startOver();
  }
}
