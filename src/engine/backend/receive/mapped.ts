import { LogLinearHistogram } from "../../probe/histogram.js";
import { kernelNowNs } from "../clock.js";
import { EIO, errno, must, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  Mapping,
  PROT_READ,
  PROT_WRITE,
} from "../ffi/memory.js";
import { ETH_HLEN } from "../sys/packet.js";
import { SOL_TCP, TCP_ZEROCOPY_RECEIVE } from "../sys/tcp.js";
import { CopyReceiver, endOf } from "./copy.js";
import { DRAINED, type ReadEnd, type Receiver } from "./receiver.js";

/** Address space that a socket's pages are mapped into, at most so much at a time. */
const WINDOW_BYTES = 1 << 20;
const PAGE = 4096;
/**
 * struct tcp_zerocopy_receive up to `inq`: [address u64][length u32][recv_skip_hint u32][inq u32].
 * With the next field the call would take the socket's error away with it.
 */
const REQUEST_BYTES = 20;
const LENGTH_AT = 8;
const HINT_AT = 12;

interface Window {
  readonly memory: Mapping;
  /** Payload bytes of an skb in its head. */
  readonly linearBytes: number;
  /** Bytes mapped now, and since when. */
  mapped: number;
  sinceNs: number;
}

/**
 * TCP_ZEROCOPY_RECEIVE: whole pages of payload are mapped into the application, the rest is copied.
 *
 *      window [page][page][page]  <- the skb's own pages, until the next call gives them back
 *      recv_skip_hint             <- so much cannot be mapped: recv
 *
 * A page is mapped if it is a single one that holds payload from its first byte to its last
 * (net/ipv4/tcp.c: can_map_frag). While the position is in an skb's linear part the hint covers
 * the whole skb; how long that part is follows from the bytes of a frame that its driver puts into
 * the head, so that the pages behind it are mapped.
 */
export class MappedReceiver implements Receiver {
  readonly hold = new LogLinearHistogram();
  mappedBytes = 0;
  readonly #copier: CopyReceiver;
  readonly #frameHeadBytes: number;
  readonly #windows = new Map<number, Window>();
  readonly #free: Mapping[] = [];
  readonly #request = Buffer.alloc(REQUEST_BYTES);
  readonly #length = Buffer.alloc(4);

  /** @param frameHeadBytes bytes of a frame in its skb's head; 0 where that is headers alone. */
  constructor(readBytes: number, frameHeadBytes: number) {
    this.#copier = new CopyReceiver(readBytes);
    this.#frameHeadBytes = frameHeadBytes;
  }

  get copiedBytes(): number {
    return this.#copier.copiedBytes;
  }

  get heldPages(): number {
    return [...this.#windows.values()].reduce((sum, { mapped }) => sum + mapped / PAGE, 0);
  }

  open(fd: number, headerBytes: number): void {
    const memory = this.#free.pop() ?? new Mapping({ bytes: WINDOW_BYTES });
    const flags = MAP_SHARED | MAP_FIXED;
    const at = memory.at(0, WINDOW_BYTES);
    must(libc().mmap(at, WINDOW_BYTES, PROT_READ, flags, fd, 0), "mmap(tcp socket)");
    const head = this.#frameHeadBytes;
    const linearBytes = head === 0 ? 0 : head - ETH_HLEN - headerBytes;
    this.#windows.set(fd, { memory, linearBytes, mapped: 0, sinceNs: 0 });
  }

  read(fd: number, take: (bytes: Uint8Array) => void): ReadEnd {
    const window = this.#windows.get(fd)!;
    let any = false;
    let pastLinear = false;
    for (;;) {
      const got = this.#map(fd, window);
      if (got < 0) return endOf(this.#copier.readOnce(fd, PAGE, take));
      if (got > 0) {
        any = true;
        pastLinear = false;
        this.mappedBytes += got;
        take(window.memory.bytes.subarray(0, got));
      }
      const hint = this.#request.readUInt32LE(HINT_AT);
      if (hint === 0) {
        if (got > 0) continue;
        // Nothing to read: only a recv tells whether there ever will be.
        return any ? DRAINED : endOf(this.#copier.readOnce(fd, PAGE, take));
      }
      const linear = window.linearBytes;
      const first: boolean = got === 0 && !pastLinear && linear > 0 && hint > linear;
      const copied = this.#copier.readOnce(fd, first ? linear : hint, take);
      if (copied <= 0) return endOf(copied);
      any = true;
      pastLinear = first;
    }
  }

  forget(fd: number): void {
    const window = this.#windows.get(fd);
    if (window === undefined) return;
    this.#windows.delete(fd);
    this.#giveBack(window);
    // Anonymous memory takes the place of the pages, so that no view of them can fault.
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    const at = window.memory.at(0, WINDOW_BYTES);
    must(libc().mmap(at, WINDOW_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0), "mmap");
    this.#free.push(window.memory);
  }

  close(): void {
    for (const fd of [...this.#windows.keys()]) this.forget(fd);
    for (const memory of this.#free) memory.release();
    this.#free.length = 0;
    this.#copier.close();
  }

  /** Maps what can be mapped now; bytes, or -1 where the stream is over. */
  #map(fd: number, window: Window): number {
    const request = this.#request;
    this.#giveBack(window);
    request.fill(0);
    request.writeBigUInt64LE(BigInt(window.memory.at(0, WINDOW_BYTES)), 0);
    request.writeUInt32LE(WINDOW_BYTES, LENGTH_AT);
    this.#length.writeUInt32LE(REQUEST_BYTES);
    if (libc().getsockopt(fd, SOL_TCP, TCP_ZEROCOPY_RECEIVE, request, this.#length) < 0) {
      const code = errno();
      if (code === EIO) return -1;
      throw new SystemError("TCP_ZEROCOPY_RECEIVE", code);
    }
    const got = request.readUInt32LE(LENGTH_AT);
    if (got > WINDOW_BYTES || got % PAGE !== 0) {
      throw new Error(`TCP_ZEROCOPY_RECEIVE mapped ${got} bytes into ${WINDOW_BYTES}`);
    }
    window.mapped = got;
    if (got > 0) window.sinceNs = kernelNowNs();
    return got;
  }

  /** The pages that a window has go back with the next call, or with the window. */
  #giveBack(window: Window): void {
    if (window.mapped === 0) return;
    this.hold.record(Math.round(kernelNowNs() - window.sinceNs), window.mapped / PAGE);
    window.mapped = 0;
  }
}
