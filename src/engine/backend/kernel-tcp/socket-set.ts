import { libc } from "../ffi/libc.js";
import { Coverage } from "../flows/coverage.js";
import type { Direction } from "../flows/direction.js";
import { DRAINED, ENDED, RESET, type ReadEnd, type Receiver } from "../receive/receiver.js";
import {
  closeSilently,
  openRepaired,
  queuedBytesOf,
  receiveBufferOf,
} from "../sockets/repaired.js";
import { OTHER_FILES, openFileLimit } from "../sys/limits.js";
import { Unavailable } from "../unavailable.js";

/** A socket is read before what waits in it is charged more than this part of its buffer. */
const READ_SHARE = 4;
/** struct sk_buff, struct skb_shared_info and headroom, at most. */
const SKB_BYTES = 1024;

/** What became of one direction in a pass. */
export class Endgame {
  /** Descriptor, or -1 before it is opened and after it is closed. */
  fd = -1;
  /** Bytes that the application read. */
  delivered = 0;
  /** What was injected of the stream. */
  seen = new Coverage();
  finAt = -1;
  /** Offset behind the first packet that was not read when it was sent. */
  unreadEnd = 0;
  end: ReadEnd = DRAINED;
  closed = false;
  /** Something waits behind a hole that the capture does not have: the kernel dropped a packet. */
  waits = false;
  /** What was sent since it was read, as the kernel charges it (skb->truesize), at most. */
  chargedBytes = 0;
  /** The charge at which it is read. */
  limitBytes = 0;
  /** Something did not come in time: nobody waits for the rest any more. */
  lossy = false;

  /** Whether a packet may go in before the socket is read; one always does where none waits. */
  hasRoom(bytes: number): boolean {
    return this.chargedBytes === 0 || this.chargedBytes + truesizeOf(bytes) <= this.limitBytes;
  }

  /** A packet goes in. */
  charge(bytes: number): void {
    this.chargedBytes += truesizeOf(bytes);
  }

  /** Whether bytes that went out in order are still to come. */
  get awaits(): boolean {
    return !this.lossy && this.end === DRAINED && this.delivered < this.seen.next;
  }

  /** Looks whether something waits that was never readable; before the socket is closed. */
  look(): void {
    if (this.fd < 0 || this.end !== DRAINED || this.delivered >= this.seen.next) return;
    this.waits = queuedBytesOf(this.fd) > 0;
  }
}

/**
 * The sockets of a pass. As many as the process may have are opened before the first packet, in
 * the order in which they are needed; where that is not all of them, one opens for each that has
 * had its last packet.
 */
export class SocketSet {
  readonly states: Endgame[];
  /** Least and most sk_rcvbuf. */
  rcvbuf: { min: number; max: number } | null = null;
  opened = 0;
  readonly #order: readonly Direction[];
  readonly #receiver: Receiver;
  readonly #rcvbuf: "capture" | "auto" | number;
  readonly #limit: number;
  #next = 0;
  #open = 0;

  constructor(
    directions: readonly Direction[],
    receiver: Receiver,
    rcvbuf: "capture" | "auto" | number,
    limit = openFileLimit() - OTHER_FILES,
  ) {
    this.#receiver = receiver;
    this.#rcvbuf = rcvbuf;
    this.#limit = limit;
    this.states = directions.map(() => new Endgame());
    this.#order = directions
      .filter(({ firstPacket }) => firstPacket >= 0)
      .sort((a, b) => a.firstPacket - b.firstPacket);
  }

  /** Whether sockets must be closed for others to open. */
  get scarce(): boolean {
    return this.#order.length > this.#limit;
  }

  get open(): number {
    return this.#open;
  }

  /** Opens what may be opened. */
  fill(): void {
    while (this.#next < this.#order.length && this.#open < this.#limit) {
      this.#openOne(this.#order[this.#next++]!);
    }
  }

  /** The state of a direction whose packet is next; its socket is open unless it was closed. */
  need(direction: Direction): Endgame {
    const state = this.states[direction.index]!;
    if (state.fd >= 0 || state.closed) return state;
    this.fill();
    if (state.fd >= 0) return state;
    throw new Unavailable(
      "files",
      `the capture needs more than ${this.#limit} sockets at a time`,
      `ulimit -n ${2 * (this.#order.length + OTHER_FILES)}`,
    );
  }

  /** Looks how large a receive buffer is that the kernel tunes. */
  measure(state: Endgame): void {
    if (this.#rcvbuf !== "auto" || state.fd < 0) return;
    state.limitBytes = receiveBufferOf(state.fd) / READ_SHARE;
  }

  close(state: Endgame): void {
    if (state.fd < 0) return;
    state.look();
    this.#receiver.forget(state.fd);
    closeSilently(state.fd);
    state.fd = -1;
    state.closed = true;
    this.#open--;
  }

  /** close() as any program does it: what is unread makes an RST. The receiver knows already. */
  closeLoudly(state: Endgame): void {
    if (state.fd < 0) return;
    libc().close(state.fd);
    state.fd = -1;
    state.closed = true;
    this.#open--;
  }

  closeAll(): void {
    for (const state of this.states) this.close(state);
  }

  #openOne(direction: Direction): void {
    const state = this.states[direction.index]!;
    state.fd = openRepaired(direction, this.#rcvbuf);
    this.#open++;
    this.opened++;
    this.#receiver.open(state.fd, direction.headerBytes);
    const bytes = receiveBufferOf(state.fd);
    state.limitBytes = bytes / READ_SHARE;
    this.rcvbuf ??= { min: bytes, max: bytes };
    this.rcvbuf.min = Math.min(this.rcvbuf.min, bytes);
    this.rcvbuf.max = Math.max(this.rcvbuf.max, bytes);
  }
}

/** skb->truesize of a packet at most: kmalloc and whole pages, which double it, and structures. */
function truesizeOf(bytes: number): number {
  return 2 * bytes + SKB_BYTES;
}

/** How a direction ended: what its socket said, or why it said nothing. */
export function endOf(state: Endgame, direction: Direction): "fin" | "rst" | "hole" | "open" {
  if (state.end === ENDED) return "fin";
  if (state.end === RESET) return "rst";
  state.look();
  return direction.gaps > 0 || state.waits ? "hole" : "open";
}
