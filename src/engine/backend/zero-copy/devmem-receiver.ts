import { errno } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { endOf } from "../receive/copy.js";
import { ENDED, type ReadEnd, type Receiver } from "../receive/receiver.js";
import * as dm from "../sys/devmem.js";
import { MSG_DONTWAIT, SOL_SOCKET } from "../sys/socket.js";
import { SYSCALL } from "../sys/syscalls.js";
import { DmaBufBinding } from "./binding.js";
import { DmaBuf } from "./dma-buf.js";
import { HeldBuffers } from "./held-buffers.js";
import type { ZeroCopyLink } from "./link.js";

const CONTROL_BYTES = 64 * 1024;
const IOVEC_AT = 64;

/**
 * The application of devmem TCP: recvmsg tells where in the dma-buf the NIC put each piece; the
 * token of a piece goes back with SO_DEVMEM_DONTNEED (Documentation/networking/devmem.rst).
 *
 *      recvmsg(MSG_SOCK_DEVMEM) -> cmsg: LINEAR (copied) | DMABUF (offset, size, token)
 */
export class DevmemReceiver implements Receiver {
  /** SCM_DEVMEM_LINEAR: payload that was not in the dma-buf, and so was copied. */
  copiedBytes = 0;
  mappedBytes = 0;
  handedOut = 0;
  givenBack = 0;
  readonly #dmaBuf: DmaBuf;
  readonly #binding: DmaBufBinding;
  readonly #linear: Mapping;
  readonly #control = new Mapping({ bytes: CONTROL_BYTES });
  readonly #message = new Mapping({ bytes: 4096 });
  readonly #words: DataView;
  readonly #controlView: DataView;
  /** Tokens belong to the socket that they were read from. */
  readonly #held = new Map<number, HeldBuffers>();
  readonly #holdNs: number;
  readonly #times: HeldBuffers;
  readonly #tokens = Buffer.alloc(dm.TOKEN_BYTES);
  #closed = false;

  /** @throws Unavailable where the dma-buf cannot be made or bound. */
  constructor(link: ZeroCopyLink, areaBytes: number, readBytes: number, holdNs: number) {
    this.#dmaBuf = new DmaBuf(areaBytes);
    try {
      this.#binding = new DmaBufBinding(link, this.#dmaBuf);
    } catch (error) {
      this.#dmaBuf.close();
      throw error;
    }
    this.#holdNs = holdNs;
    this.#times = new HeldBuffers(holdNs, () => {});
    this.#linear = new Mapping({ bytes: readBytes });
    this.#words = this.#message.view;
    this.#controlView = this.#control.view;
    const words = this.#words;
    // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
    words.setBigUint64(16, BigInt(this.#message.at(IOVEC_AT, 16)), true);
    words.setBigUint64(24, 1n, true);
    words.setBigUint64(32, BigInt(this.#control.address), true);
    words.setBigUint64(IOVEC_AT, BigInt(this.#linear.address), true);
    words.setBigUint64(IOVEC_AT + 8, BigInt(readBytes), true);
  }

  get heldPages(): number {
    return this.handedOut - this.givenBack;
  }

  get hold() {
    return this.#times.times;
  }

  open(fd: number): void {
    const held = new HeldBuffers(this.#holdNs, (token) => this.#giveBack(fd, token), this.#times);
    this.#held.set(fd, held);
  }

  read(fd: number, take: (bytes: Uint8Array) => void): ReadEnd {
    const held = this.#held.get(fd);
    if (held === undefined) return ENDED;
    for (;;) {
      held.release();
      this.#words.setBigUint64(40, BigInt(CONTROL_BYTES), true);
      const flags = dm.MSG_SOCK_DEVMEM | MSG_DONTWAIT;
      const message = this.#message.at(0, dm.MSGHDR_BYTES);
      const got = libc().syscall(SYSCALL.recvmsg, fd, message, flags, 0, 0, 0);
      if (got <= 0) return endOf(got === 0 ? 0 : -errno(), "recvmsg(MSG_SOCK_DEVMEM)");
      this.#pieces(held, take, got);
    }
  }

  forget(fd: number): void {
    this.#held.get(fd)?.releaseAll();
    this.#held.delete(fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const fd of [...this.#held.keys()]) this.forget(fd);
    this.#binding.close();
    this.#dmaBuf.close();
    this.#linear.release();
    this.#control.release();
    this.#message.release();
  }

  /**
   * Walks the control messages of one recvmsg that answered `got` bytes. A readable skb, from a
   * page queue or unsplit, is copied as by any recvmsg and has no control message
   * (net/ipv4/tcp.c, tcp_recvmsg_locked); one call never mixes the two kinds.
   */
  #pieces(held: HeldBuffers, take: (bytes: Uint8Array) => void, got: number): void {
    const view = this.#controlView;
    const end = Number(this.#words.getBigUint64(40, true));
    let linearAt = 0;
    if (end < dm.CMSG_HDR_BYTES) {
      take(this.#linear.bytes.subarray(0, got));
      this.copiedBytes += got;
    }
    for (let at = 0; at + dm.CMSG_HDR_BYTES <= end; ) {
      const length = Number(view.getBigUint64(at, true));
      if (length < dm.CMSG_HDR_BYTES) break;
      const type = view.getInt32(at + 12, true);
      const data = at + dm.CMSG_HDR_BYTES;
      const bytes = view.getUint32(data + 8, true);
      if (type === dm.SCM_DEVMEM_LINEAR) {
        take(this.#linear.bytes.subarray(linearAt, linearAt + bytes));
        linearAt += bytes;
        this.copiedBytes += bytes;
      } else if (type === dm.SCM_DEVMEM_DMABUF) {
        const offset = Number(view.getBigUint64(data, true));
        take(this.#dmaBuf.memory.bytes.subarray(offset, offset + bytes));
        this.mappedBytes += bytes;
        this.handedOut++;
        held.add(view.getUint32(data + 12, true), 1);
      }
      at += (length + 7) & ~7;
    }
  }

  #giveBack(fd: number, token: number): void {
    this.#tokens.writeUInt32LE(token, 0);
    this.#tokens.writeUInt32LE(1, 4);
    const option = dm.SO_DEVMEM_DONTNEED;
    const taken = libc().setsockopt(fd, SOL_SOCKET, option, this.#tokens, dm.TOKEN_BYTES);
    if (taken > 0) this.givenBack += taken;
  }
}
