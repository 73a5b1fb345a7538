import { errno } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { endOf } from "../receive/copy.js";
import { DRAINED, ENDED, type ReadEnd } from "../receive/receiver.js";
import * as dm from "../sys/devmem.js";
import { MSG_DONTWAIT, SOL_SOCKET } from "../sys/socket.js";
import { SYSCALL } from "../sys/syscalls.js";
import { DmaBufBinding } from "./binding.js";
import { DmaBuf } from "./dma-buf.js";
import { HeldBuffers } from "./held-buffers.js";
import type { ZeroCopyLink } from "./link.js";
import type { OwningReceiver } from "./owning-receiver.js";
import { refusalOf } from "./refusals.js";

const CONTROL_BYTES = 64 * 1024;
const IOVEC_AT = 64;
/** A token that no socket of a run reaches, and how many from there are given back. */
const BOGUS_TOKEN = 1 << 30;
const BOGUS_COUNT = 8;

/**
 * The application of devmem TCP: recvmsg tells where in the dma-buf the NIC put each piece; the
 * token of a piece goes back with SO_DEVMEM_DONTNEED (Documentation/networking/devmem.rst).
 *
 *      recvmsg(MSG_SOCK_DEVMEM) -> cmsg: LINEAR (copied) | DMABUF (offset, size, token)
 */
export class DevmemReceiver implements OwningReceiver {
  hung = false;
  readonly spoiled = { duplicateToken: 0, bogusToken: 0 };
  /** SCM_DEVMEM_LINEAR: payload that was not in the dma-buf, and so was copied. */
  copiedBytes = 0;
  mappedBytes = 0;
  handedOut = 0;
  givenBack = 0;
  /** Pieces whose tokens the kernel freed itself, with their socket. */
  #freed = 0;
  /** dma-bufs by the number of their binding; old ones may still have tokens out. */
  readonly #dmaBufs = new Map<number, DmaBuf>();
  /** The binding of the open netlink socket. */
  #binding: DmaBufBinding | null = null;
  readonly #bind: () => void;
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
    this.#bind = () => {
      const dmaBuf = new DmaBuf(areaBytes);
      try {
        this.#binding = new DmaBufBinding(link, dmaBuf);
      } catch (error) {
        dmaBuf.close();
        throw error;
      }
      this.#dmaBufs.set(this.#binding.id, dmaBuf);
    };
    this.#bind();
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
    return this.handedOut - this.givenBack - this.#freed;
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
    if (this.hung) return DRAINED;
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

  /** The socket takes its tokens along (net/core/sock.c, tcp_v4_destroy_sock). */
  abandon(fds: readonly number[]): void {
    for (const fd of fds) {
      this.#freed += this.#held.get(fd)?.count ?? 0;
      this.#held.delete(fd);
    }
  }

  /** Tokens that its sockets have; of closed ones, which die when they can, nobody knows. */
  outstanding(): number | null {
    return this.#freed > 0 ? null : this.heldPages;
  }

  /** close() of the netlink socket: the queue goes back to pages, tokens stay valid. */
  unbind(how: "netlink-close" | "terminate"): string {
    if (how !== "netlink-close") return "refused with -EOPNOTSUPP";
    this.#binding?.close();
    this.#binding = null;
    return "";
  }

  rebind(): string {
    if (this.#binding !== null) return "refused with -EBUSY";
    try {
      this.#bind();
      return "";
    } catch (error) {
      return refusalOf(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const fd of [...this.#held.keys()]) this.forget(fd);
    this.#binding?.close();
    for (const dmaBuf of this.#dmaBufs.values()) dmaBuf.close();
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
        const dmaBuf = this.#dmaBufs.get(view.getUint32(data + 16, true))!;
        take(dmaBuf.memory.bytes.subarray(offset, offset + bytes));
        this.mappedBytes += bytes;
        this.handedOut++;
        held.add(view.getUint32(data + 12, true), 1);
      }
      at += (length + 7) & ~7;
    }
  }

  /** Gives a token back, and behind it what a fault asks for. */
  #giveBack(fd: number, token: number): void {
    const { spoiled } = this;
    this.#dontneed(fd, token, 1);
    if (spoiled.duplicateToken > 0) {
      spoiled.duplicateToken--;
      this.#dontneed(fd, token, 1);
    }
    if (spoiled.bogusToken > 0) {
      spoiled.bogusToken--;
      this.#dontneed(fd, BOGUS_TOKEN, BOGUS_COUNT);
    }
  }

  /** SO_DEVMEM_DONTNEED of a range; what the kernel did free is counted. */
  #dontneed(fd: number, token: number, count: number): void {
    this.#tokens.writeUInt32LE(token, 0);
    this.#tokens.writeUInt32LE(count, 4);
    const option = dm.SO_DEVMEM_DONTNEED;
    const taken = libc().setsockopt(fd, SOL_SOCKET, option, this.#tokens, dm.TOKEN_BYTES);
    if (taken > 0) this.givenBack += taken;
  }
}
