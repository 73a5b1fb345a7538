import { Coverage } from "./coverage.js";

/** One end of a connection: where it is in the capture, and where on the run's wire. */
export interface Endpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** What stands in for them on the run's wire; the same unless the kernel would refuse them. */
  wireAddress: Uint8Array;
  wirePort: number;
}

/**
 * One direction of one connection of a capture: a row of the report, and a socket that receives
 * what `from` sent. Sequence numbers are int32; offsets count from the stream's first byte.
 */
export class Direction {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly v6: boolean;
  /** Row number. */
  readonly index: number;
  /** rcv_nxt of the socket before the first packet is known. */
  started = false;
  start = 0;
  /** The sender's SYN was seen, and its sequence number is known. */
  hasSyn = false;
  hasIsn = false;
  isn = 0;
  midStream = false;
  timestamps = false;
  sack = false;
  /** The ACK field that the socket takes: what the sender has of the receiver. */
  hasAck = false;
  ack = 0;
  /** The sender sent an ACK field; the receiver of the other direction is seen. */
  spoke = false;
  /** Payload came in order: the application had something to read. */
  payload = false;
  /** Offset of the FIN, or -1; whether everything in front of it was seen. */
  finAt = -1;
  reset = false;
  packets = 0;
  firstPacket = -1;
  lastPacket = -1;
  /** Packet behind which the present hole opened. */
  holeAtPacket = -1;
  readonly seen = new Coverage();

  constructor(index: number, from: Endpoint, to: Endpoint) {
    this.index = index;
    this.from = from;
    this.to = to;
    this.v6 = from.address.length === 16;
  }

  /** Everything up to the FIN was seen. */
  get finished(): boolean {
    return this.finAt >= 0 && this.seen.next >= this.finAt;
  }

  /** Holes in front of what was seen, a FIN without payload included. */
  get gaps(): number {
    return Math.max(this.seen.ahead, this.finAt > this.seen.next ? 1 : 0);
  }

  /** Bytes of IP and TCP header of a segment that brings payload, but for SACK blocks. */
  get headerBytes(): number {
    return (this.v6 ? 40 : 20) + 20 + (this.timestamps ? 12 : 0);
  }

  /** rcv_nxt of its socket. */
  get nextSeq(): number {
    return (this.start + (this.finished ? this.finAt + 1 : this.seen.next)) | 0;
  }

  /** Offset of a sequence number near the bytes that are due. */
  offsetOf(seq: number, next: number): number {
    return next + ((seq - this.start - next) | 0);
  }

  /** The stream starts at `seq`; what was seen of it keeps its sequence numbers. */
  begin(seq: number): void {
    const back = this.started ? (this.start - seq) | 0 : 0;
    if (back !== 0) this.seen.shift(back);
    if (this.finAt >= 0) this.finAt += back;
    this.start = seq;
    this.started = true;
  }
}

/** A connection: what the lower of its two endpoints sends, and what the higher one sends. */
export interface Connection {
  readonly directions: readonly [Direction, Direction];
  /** The connection that had these endpoints before. */
  readonly previous: Connection | null;
  /** Whether its addresses or ports are replaced on the run's wire. */
  mapped: boolean;
}
