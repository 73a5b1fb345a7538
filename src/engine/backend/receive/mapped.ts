import { HOLD_WORDS, HoldRing } from "../../app/hold-ring.js";
import { LogLinearHistogram } from "../../probe/histogram.js";
import { kernelNowNs } from "../clock.js";
import { EIO, errno, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { ETH_HLEN } from "../sys/packet.js";
import { SOL_TCP, TCP_ZEROCOPY_RECEIVE } from "../sys/tcp.js";
import { CopyReceiver, endOf } from "./copy.js";
import type { Holding } from "./holding.js";
import { PageWindow } from "./page-window.js";
import { DRAINED, type ReadEnd, type Receiver, STALLED } from "./receiver.js";

/** Address space of a socket: what one call maps at most, and what can be held at a time. */
const WINDOW_BYTES = 1 << 20;
const HOLD_WINDOW_BYTES = 16 << 20;
const PAGE = 4096;
/**
 * struct tcp_zerocopy_receive up to `inq`: [address u64][length u32][recv_skip_hint u32][inq u32].
 * With the next field the call would take the socket's error away with it.
 */
const REQUEST_BYTES = 20;
const LENGTH_AT = 8;
const HINT_AT = 12;

/**
 * TCP_ZEROCOPY_RECEIVE: whole pages of payload are mapped into the application, the rest is copied.
 *
 *      window [page][page][page]  <- the skb's own pages, until they are given back
 *      recv_skip_hint             <- so much cannot be mapped: recv
 *
 * A page is mapped if it is a single one that holds payload from its first byte to its last
 * (net/ipv4/tcp.c: can_map_frag). While the position is in an skb's linear part the hint covers
 * the whole skb; how long that part is follows from the bytes of a frame that its driver puts into
 * the head, so that the pages behind it are mapped. A small packet that the kernel joined a large
 * one to (skb_try_coalesce) ends earlier; the pages of packets behind it are found by the hint.
 *
 * Without a hold time the next call on a socket maps over the pages of the last one. With one, each
 * call's pages stay where they are until the time has passed; a socket whose window is full of such
 * pages is not read.
 */
export class MappedReceiver implements Receiver, Holding {
  readonly hold = new LogLinearHistogram();
  readonly holding = this;
  mappedBytes = 0;
  full = false;
  readonly #copier: CopyReceiver;
  readonly #frameHeadBytes: number;
  readonly #holdNs: number;
  /** By descriptor, and by the number that {@link HoldRing} has of them. */
  readonly #numbers = new Map<number, number>();
  readonly #windows: PageWindow[] = [];
  readonly #free: number[] = [];
  /** What each call has mapped, oldest first: number of the window, bytes. */
  readonly #held: HoldRing;
  readonly #request = Buffer.alloc(REQUEST_BYTES);
  readonly #length = Buffer.alloc(4);

  /** @param frameHeadBytes bytes of a frame in its skb's head; 0 where that is headers alone. */
  constructor(readBytes: number, frameHeadBytes: number, holdNs: number) {
    this.#copier = new CopyReceiver(readBytes);
    this.#frameHeadBytes = frameHeadBytes;
    this.#holdNs = holdNs;
    this.#held = new HoldRing(1, holdNs);
  }

  get copiedBytes(): number {
    return this.#copier.copiedBytes;
  }

  get heldPages(): number {
    return this.#windows.reduce((sum, { heldBytes }) => sum + heldBytes / PAGE, 0);
  }

  get dueNs(): number {
    return this.#held.dueNs;
  }

  open(fd: number, headerBytes: number): void {
    const bytes = this.#holdNs > 0 ? HOLD_WINDOW_BYTES : WINDOW_BYTES;
    const number = this.#free.pop() ?? this.#windows.push(new PageWindow(bytes)) - 1;
    const head = this.#frameHeadBytes;
    this.#windows[number]!.open(fd, head === 0 ? 0 : head - ETH_HLEN - headerBytes);
    this.#numbers.set(fd, number);
  }

  read(fd: number, take: (bytes: Uint8Array) => void, packetBytes: number): ReadEnd {
    const number = this.#numbers.get(fd)!;
    const window = this.#windows[number]!;
    let any = false;
    let pastLinear = false;
    let linear = window.linearBytes;
    if (packetBytes > 0) linear = Math.min(linear, packetBytes);
    for (;;) {
      if (window.room === 0 && this.#holdNs > 0) {
        this.full = true;
        return STALLED;
      }
      const got = this.#map(fd, number, take);
      if (got < 0) return endOf(this.#copier.readOnce(fd, PAGE, take));
      if (got > 0) {
        any = true;
        pastLinear = false;
      }
      const hint = this.#request.readUInt32LE(HINT_AT);
      if (hint === 0) {
        if (got > 0) continue;
        // Nothing to read: only a recv tells whether there ever will be.
        return any ? DRAINED : endOf(this.#copier.readOnce(fd, PAGE, take));
      }
      const first: boolean = got === 0 && !pastLinear && linear > 0 && hint > linear;
      const copied = this.#copier.readOnce(fd, first ? linear : hint, take);
      if (copied <= 0) return endOf(copied);
      any = true;
      pastLinear = first;
      linear = window.linearBytes;
    }
  }

  /** Pages that are still held keep their window, and the kernel's socket with it. */
  forget(fd: number): void {
    const number = this.#numbers.get(fd);
    if (number === undefined) return;
    this.#numbers.delete(fd);
    this.#windows[number]!.forgotten = true;
    if (this.#holdNs === 0) this.#mapOver(number);
    this.#recycle(number);
  }

  release(): void {
    if (this.#held.dueNs === Number.POSITIVE_INFINITY) return;
    const nowNs = kernelNowNs();
    while (this.#held.dueNs <= nowNs) this.#giveOldest(nowNs);
  }

  releaseAll(): void {
    const nowNs = kernelNowNs();
    while (this.#held.count > 0) this.#giveOldest(nowNs);
  }

  close(): void {
    this.releaseAll();
    for (const fd of [...this.#numbers.keys()]) this.forget(fd);
    for (const { memory } of this.#windows) memory.release();
    this.#windows.length = 0;
    this.#free.length = 0;
    this.#copier.close();
  }

  /** Maps and hands over what can be mapped now; bytes, or -1 where the stream is over. */
  #map(fd: number, number: number, take: (bytes: Uint8Array) => void): number {
    const window = this.#windows[number]!;
    const request = this.#request;
    if (this.#holdNs === 0) this.#mapOver(number);
    const { next, room, memory } = window;
    request.fill(0);
    request.writeBigUInt64LE(BigInt(memory.at(next, room)), 0);
    request.writeUInt32LE(room, LENGTH_AT);
    this.#length.writeUInt32LE(REQUEST_BYTES);
    if (libc().getsockopt(fd, SOL_TCP, TCP_ZEROCOPY_RECEIVE, request, this.#length) < 0) {
      const code = errno();
      if (code === EIO) return -1;
      throw new SystemError("TCP_ZEROCOPY_RECEIVE", code);
    }
    const got = request.readUInt32LE(LENGTH_AT);
    if (got > room || got % PAGE !== 0) {
      throw new Error(`TCP_ZEROCOPY_RECEIVE mapped ${got} bytes into ${room}`);
    }
    if (got === 0) return 0;
    window.mapped(got, kernelNowNs());
    if (this.#holdNs > 0) {
      const slot = this.#held.push(number, got);
      this.#held.readNs[slot] = window.sinceNs;
      this.#held.settle();
    }
    this.mappedBytes += got;
    take(memory.bytes.subarray(next, next + got));
    return got;
  }

  /** Without a hold time: what a window has goes back with the next call, or with the window. */
  #mapOver(number: number): void {
    const window = this.#windows[number]!;
    if (window.heldBytes === 0) return;
    this.#book(window.sinceNs, kernelNowNs(), window.heldBytes);
    window.startOver();
  }

  /** What was mapped first goes back. */
  #giveOldest(nowNs: number): void {
    const held = this.#held;
    const slot = held.shift();
    const number = held.words[slot * HOLD_WORDS]!;
    const bytes = held.words[slot * HOLD_WORDS + 1]!;
    this.#windows[number]!.giveBack(bytes);
    this.full = false;
    this.#book(held.readNs[slot]!, nowNs, bytes);
    held.settle();
    this.#recycle(number);
  }

  #book(sinceNs: number, nowNs: number, bytes: number): void {
    this.hold.record(Math.round(nowNs - sinceNs), bytes / PAGE);
  }

  /** A window without a socket that holds nothing waits for the next socket. */
  #recycle(number: number): void {
    const window = this.#windows[number]!;
    if (!window.forgotten || window.heldBytes > 0) return;
    window.clear();
    this.#free.push(number);
  }
}
