import { ECANCELED, ECONNRESET, ENOMEM, ENOSPC, EPIPE } from "../ffi/errno.js";
import { DRAINED, ENDED, RESET, type ReadEnd } from "../receive/receiver.js";
import * as io from "../sys/io-uring.js";
import { HeldBuffers } from "./held-buffers.js";
import { InterfaceQueue } from "./ifq.js";
import type { ZeroCopyLink } from "./link.js";
import type { OwningReceiver } from "./owning-receiver.js";
import { refusalOf } from "./refusals.js";
import { Uring } from "./uring.js";

const SUBMISSIONS = 256;
const COMPLETIONS = 16384;
/** user_data of a request whose completion nobody waits for. */
const NOBODY = 0xffff_ffff;
/** A ring's exit is the work of another thread: its queue is free a moment later. */
const REBIND_NS = 2e9;
/** Offset and pad of refill entries that the kernel must refuse: area, niov, pad. */
const MALFORMED: ReadonlyArray<readonly [offset: bigint, pad: number]> = [
  [1n << 48n, 0],
  [io.ZCRX_AREA_MASK, 0],
  [0n, 0xdead],
];

/** A socket with a RECV_ZC request under way, or one to be armed. */
interface Armed {
  /** Pieces that came and were not read yet: offset and length in turn. */
  readonly pieces: number[];
  end: ReadEnd;
  armed: boolean;
}

/**
 * The application of io_uring zcrx: a multishot RECV_ZC for each socket; each piece is read where
 * the NIC put it and goes back over the refill ring.
 *
 *      RECV_ZC -> completion (offset, length) -> take -> hold -> refill entry
 */
export class ZcrxReceiver implements OwningReceiver {
  hung = false;
  readonly spoiled = { duplicateRqe: 0, malformedRqe: 0 };
  #uring = new Uring(SUBMISSIONS, COMPLETIONS);
  #ifq: InterfaceQueue;
  readonly #open: (uring: Uring, patienceNs?: number) => InterfaceQueue;
  readonly #sockets = new Map<number, Armed>();
  readonly #held: HeldBuffers;
  #readBytes = 0;
  /** The ring is closed; another one may be set up. */
  #closed = false;
  /** What rings that are closed had copied. */
  #copied = 0;
  /** Pieces that the kernel took back itself, when their ring went. */
  #scrubbed = 0;
  /** Pieces that earlier rings handed out. */
  #handedBefore = 0;
  /** Whether entries were written that are nobody's, so that counting them tells nothing. */
  #everSpoiled = false;
  /** Pieces that came, and those given back; the same when all is over. */
  handedOut = 0;
  givenBack = 0;

  /** @throws Unavailable where the provider cannot be opened on the queue. */
  constructor(link: ZeroCopyLink, areaBytes: number, bufferBytes: number, holdNs: number) {
    this.#open = (uring, patienceNs = 0) => {
      try {
        return new InterfaceQueue(uring, link, areaBytes, bufferBytes, patienceNs);
      } catch (error) {
        uring.close();
        throw error;
      }
    };
    this.#ifq = this.#open(this.#uring);
    this.#held = new HeldBuffers(holdNs, (offset, len) => this.#giveBack(offset, len));
  }

  /** The kernel's own count where it has one (7.2); else bytes that nobody can tell apart. */
  get copiedBytes(): number {
    return this.#copied + (this.#closed ? 0 : this.#ifq.copied.bytes);
  }

  get mappedBytes(): number {
    return this.#readBytes - this.copiedBytes;
  }

  get heldPages(): number {
    return this.handedOut - this.givenBack - this.#scrubbed;
  }

  get hold() {
    return this.#held.times;
  }

  open(fd: number): void {
    const socket: Armed = { pieces: [], end: DRAINED, armed: false };
    this.#sockets.set(fd, socket);
    if (!this.#closed) this.#arm(fd, socket);
  }

  read(fd: number, take: (bytes: Uint8Array) => void): ReadEnd {
    const socket = this.#sockets.get(fd);
    if (socket === undefined) return ENDED;
    if (this.hung || this.#closed) return DRAINED;
    this.#held.release();
    if (socket.pieces.length === 0) this.#pump();
    const { area } = this.#ifq;
    for (let i = 0; i < socket.pieces.length; i += 2) {
      const [offset, len] = [socket.pieces[i]!, socket.pieces[i + 1]!];
      take(area.bytes.subarray(offset, offset + len));
      this.#readBytes += len;
      this.#held.add(offset, len);
    }
    socket.pieces.length = 0;
    if (socket.armed || socket.end !== DRAINED) return socket.end;
    this.#held.release();
    this.#ifq.flush();
    this.#arm(fd, socket);
    this.#uring.enter();
    return socket.end;
  }

  /** @param cancelled its request is being cancelled already. */
  forget(fd: number, cancelled = false): void {
    const socket = this.#sockets.get(fd);
    if (socket === undefined) return;
    if (socket.armed && !cancelled) this.#cancel(fd);
    while (socket.armed) this.#pump();
    for (let i = 0; i < socket.pieces.length; i += 2) {
      this.#held.add(socket.pieces[i]!, socket.pieces[i + 1]!);
    }
    this.#sockets.delete(fd);
  }

  /**
   * User references outlive their socket: what was read stays held. All requests are cancelled in
   * one call, since each call lets the others receive.
   */
  abandon(fds: readonly number[]): void {
    for (const fd of fds) if (this.#sockets.get(fd)?.armed) this.#cancel(fd);
    for (const fd of fds) this.forget(fd, true);
  }

  /** User references that the kernel counts: a refill entry gives one back once it is taken. */
  outstanding(): number | null {
    if (this.#closed) return 0;
    if (this.#everSpoiled) return null;
    return this.handedOut - this.#handedBefore - this.#ifq.taken;
  }

  close(): void {
    if (this.#closed) return;
    for (const fd of [...this.#sockets.keys()]) this.forget(fd);
    this.#held.releaseAll();
    this.#ifq.flush();
    this.#closeRing();
  }

  /** close() of the ring with requests pending and pieces out: the kernel takes them back. */
  unbind(how: "netlink-close" | "terminate"): string {
    if (how !== "terminate") return "refused with -EOPNOTSUPP";
    if (this.#closed) return "";
    this.#closeRing();
    this.#held.forget();
    this.#scrubbed = this.handedOut - this.givenBack;
    this.#handedBefore = this.handedOut;
    for (const socket of this.#sockets.values()) {
      socket.pieces.length = 0;
      socket.armed = false;
    }
    return "";
  }

  /** Another ring, with memory of its own, registers on the queue; every socket is armed again. */
  rebind(): string {
    if (!this.#closed) return "refused with -EBUSY";
    const uring = new Uring(SUBMISSIONS, COMPLETIONS);
    try {
      this.#ifq = this.#open(uring, REBIND_NS);
    } catch (error) {
      return refusalOf(error);
    }
    this.#uring = uring;
    this.#closed = false;
    for (const [fd, socket] of this.#sockets) this.#arm(fd, socket);
    this.#uring.enter();
    return "";
  }

  #closeRing(): void {
    this.#copied += this.#ifq.copied.bytes;
    this.#closed = true;
    this.#uring.close();
    this.#ifq.release();
  }

  /** Writes a refill entry for a piece, behind those that a fault asks for. */
  #giveBack(offset: number, len: number): void {
    const { spoiled } = this;
    this.#everSpoiled ||= spoiled.malformedRqe + spoiled.duplicateRqe > 0;
    if (spoiled.malformedRqe > 0) {
      const [bad, pad] = MALFORMED[spoiled.malformedRqe-- % MALFORMED.length]!;
      this.#ifq.post(bad, len, pad);
    }
    if (spoiled.duplicateRqe > 0) {
      spoiled.duplicateRqe--;
      this.#ifq.giveBack(offset, len);
    }
    this.#ifq.giveBack(offset, len);
    this.givenBack++;
  }

  #arm(fd: number, socket: Armed): void {
    const { view, at } = this.#uring.submission();
    view.setUint8(at, io.IORING_OP_RECV_ZC);
    view.setUint16(at + 2, io.IORING_RECV_MULTISHOT, true);
    view.setInt32(at + 4, fd, true);
    view.setBigUint64(at + 32, BigInt(fd), true);
    view.setUint32(at + 44, this.#ifq.id, true);
    socket.armed = true;
  }

  #cancel(fd: number): void {
    const { view, at } = this.#uring.submission();
    view.setUint8(at, io.IORING_OP_ASYNC_CANCEL);
    view.setBigUint64(at + 16, BigInt(fd), true);
    view.setBigUint64(at + 32, BigInt(NOBODY), true);
  }

  /** Lets the kernel run what is due, and sorts what it says by socket. */
  #pump(): void {
    this.#uring.enter();
    for (let done = this.#uring.next(); done !== null; done = this.#uring.next()) {
      const socket = this.#sockets.get(done.userData);
      if (socket === undefined) continue;
      if (!done.more) socket.armed = false;
      if (done.result > 0) {
        this.handedOut++;
        socket.pieces.push(Number(done.extra & io.ZCRX_AREA_MASK), done.result);
      } else if (!done.more) socket.end = endOf(done.result);
    }
  }
}

/** What the last completion of a request says; a full area or ring only asks to be armed again. */
function endOf(result: number): ReadEnd {
  if (result === 0 || result === -EPIPE) return ENDED;
  if (result === -ENOMEM || result === -ENOSPC || result === -ECANCELED) return DRAINED;
  if (result === -ECONNRESET) return RESET;
  throw new Error(`RECV_ZC ended with errno ${-result}`);
}
