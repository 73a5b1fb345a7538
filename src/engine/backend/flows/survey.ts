import { FRAME_BAD, FRAME_TCP, type Frame } from "../../wire/frame.js";
import { SynOptions } from "../../wire/tcp-options.js";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../sys/tcp.js";
import { type Connection, Direction, type Endpoint } from "./direction.js";

/** Why a packet is not for any socket. */
export const LEFT_OUT = [
  "not-tcp",
  "bad-frame",
  "handshake",
  "fragment-waits",
  "before-stream",
  "no-socket",
] as const;
/** Verdicts below 0: -1 is LEFT_OUT[0], and so on. */
export const NOT_TCP = -1;
export const BAD = -2;
export const HANDSHAKE = -3;
export const WAITS = -4;
export const BEFORE = -5;
export const NO_SOCKET = -6;
/** Injected for nobody: its checksum is wrong, and the kernel drops and counts it. */
export const DOOMED = -7;

/** Data this close behind a SYN that comes late belongs to its connection. */
const LATE_SYN_BYTES = 1048576;
/** A segment this close to an earlier connection's end may be a straggler of it. */
const STRAGGLER_BYTES = 16777216;

/**
 * Finds the connections of a capture before anything is replayed, with the rules by which the
 * model's sockets open themselves (engine/tcp/handshake.ts): where each direction's stream starts,
 * which options its SYN offered, how it ends and where it has holes.
 *
 *      segment -> endpoints -> connection -> direction -> coverage
 */
export class Survey {
  readonly connections: Connection[] = [];
  readonly directions: Direction[] = [];
  readonly #byKey = new Map<string, Connection>();
  readonly #options = new SynOptions();
  readonly #readsAtOnce: boolean;

  /** @param readsAtOnce each packet is read before the next: no SYN can take it back. */
  constructor(readsAtOnce = false) {
    this.#readsAtOnce = readsAtOnce;
  }

  /** Takes a parsed frame of packet `packet`; answers its direction's index, or a verdict. */
  add(view: DataView, frame: Frame, packet: number): number {
    if (frame.kind !== FRAME_TCP) return frame.kind === FRAME_BAD ? BAD : NOT_TCP;
    const { flags } = frame;
    if ((flags & (TCP_ACK | TCP_RST | TCP_SYN)) === 0) return BAD;
    if ((flags & TCP_SYN) !== 0 && (flags & (TCP_FIN | TCP_RST)) !== 0) return BAD;
    const key = keyOf(view, frame);
    let connection = this.#byKey.get(key.text);
    if (connection === undefined) {
      if ((flags & TCP_RST) !== 0) return NO_SOCKET;
      connection = this.#open(view, frame, key, null);
    }
    const known = connection.directions[key.side]!;
    // A SYN that comes again behind data: an established socket has an answer to it (RFC 5961).
    const { payload, seen } = known;
    const again = known.hasSyn && known.isn === frame.seq && (payload || seen.ahead > 0);
    if ((flags & TCP_SYN) !== 0) connection = this.#syn(view, frame, key, connection);
    else connection = straggler(connection, key.side, frame.seq);
    const direction = connection.directions[key.side]!;
    const other = connection.directions[1 - key.side]!;
    if ((flags & TCP_ACK) !== 0 && (flags & TCP_RST) === 0) {
      direction.spoke = true;
      if (!direction.hasAck) {
        direction.ack = frame.ack;
        direction.hasAck = true;
      }
    }
    if ((flags & TCP_SYN) !== 0) {
      if ((flags & TCP_ACK) !== 0) answered(other, frame.ack);
      if ((frame.payloadLen === 0 && !again) || !direction.started) return HANDSHAKE;
    }
    return this.#segment(direction, frame, packet);
  }

  #segment(direction: Direction, frame: Frame, packet: number): number {
    const { flags, payloadLen } = frame;
    const fin = (flags & TCP_FIN) !== 0;
    if (!direction.started) {
      if ((flags & TCP_RST) !== 0 || (payloadLen === 0 && !fin)) return BEFORE;
      direction.begin(frame.seq);
      direction.midStream = true;
      direction.timestamps = frame.hasTimestamps;
    }
    direction.packets++;
    if (direction.firstPacket < 0) direction.firstPacket = packet;
    direction.lastPacket = packet;
    if (direction.reset) return direction.index;
    const { seen } = direction;
    const seq = (flags & TCP_SYN) !== 0 ? (frame.seq + 1) | 0 : frame.seq;
    const from = direction.offsetOf(seq, seen.next);
    if ((flags & TCP_RST) !== 0 && from === seen.next) direction.reset = true;
    if (direction.finished) return direction.index;
    // A FIN before what came already is old data: it ends nothing.
    if (fin && direction.finAt < 0 && from + payloadLen >= seen.next) {
      direction.finAt = from + payloadLen;
    }
    if (payloadLen > 0) {
      if (seen.ahead === 0 && from > seen.next) direction.holeAtPacket = packet;
      if (seen.add(from, from + payloadLen)) direction.payload = true;
    }
    if (direction.finished) seen.dropAhead();
    if (seen.ahead === 0) direction.holeAtPacket = -1;
    return direction.index;
  }

  /** What a SYN means for the connection that has its endpoints. */
  #syn(view: DataView, frame: Frame, key: Key, known: Connection): Connection {
    const own = known.directions[key.side]!;
    const other = known.directions[1 - key.side]!;
    const synAck = (frame.flags & TCP_ACK) !== 0;
    const answers = acksSyn(other, frame.ack);
    const before = isStray(known, key.side) ? known.previous : known;
    let connection = known;
    if (own.hasIsn) {
      if (own.isn === frame.seq && own.hasSyn) return known;
      if (own.isn !== frame.seq) {
        if (synAck && answers) {
          if (own.payload || own.finished) return known;
        } else connection = this.#open(view, frame, key, before);
      }
    } else if (!own.started) {
      if (synAck && other.hasIsn && !answers) connection = this.#open(view, frame, key, before);
    } else {
      const behind = (own.start - frame.seq - 1) | 0;
      const isRead = own.finished || (this.#readsAtOnce && own.payload);
      if (behind < 0 || behind > LATE_SYN_BYTES || (behind > 0 && isRead)) {
        connection = this.#open(view, frame, key, before);
      }
    }
    this.#adopt(view, frame, connection.directions[key.side]!);
    return connection;
  }

  #adopt(view: DataView, frame: Frame, direction: Direction): void {
    this.#options.parse(view, frame.l4);
    direction.hasSyn = true;
    direction.hasIsn = true;
    direction.isn = frame.seq;
    direction.midStream = false;
    direction.timestamps = this.#options.timestamps;
    direction.sack = this.#options.sackPermitted;
    direction.begin((frame.seq + 1) | 0);
  }

  #open(view: DataView, frame: Frame, key: Key, previous: Connection | null): Connection {
    const ends = endpointsOf(view, frame, key.side);
    const index = this.directions.length;
    const directions = [
      new Direction(index, ends[0], ends[1]),
      new Direction(index + 1, ends[1], ends[0]),
    ] as const;
    const connection: Connection = { directions, previous, mapped: false };
    this.directions.push(...directions);
    this.connections.push(connection);
    this.#byKey.set(key.text, connection);
    return connection;
  }
}

interface Key {
  readonly text: string;
  /** 0: the lower endpoint sends. */
  readonly side: 0 | 1;
}

/** The connection's key, the same for both directions, and which of the two sent. */
function keyOf(view: DataView, frame: Frame): Key {
  const source = frame.ports >>> 16;
  const target = frame.ports & 0xffff;
  let from: string;
  let to: string;
  if (frame.version === 4) {
    from = String(frame.saddr >>> 0);
    to = String(frame.daddr >>> 0);
  } else {
    const at = frame.l3 + 8;
    from = `${view.getBigUint64(at)}.${view.getBigUint64(at + 8)}`;
    to = `${view.getBigUint64(at + 16)}.${view.getBigUint64(at + 24)}`;
  }
  const swap = from > to || (from === to && source > target);
  const text = swap ? `${to}:${target},${from}:${source}` : `${from}:${source},${to}:${target}`;
  return { text, side: swap ? 1 : 0 };
}

/** Both endpoints, the lower one first. */
function endpointsOf(view: DataView, frame: Frame, side: 0 | 1): [Endpoint, Endpoint] {
  const bytes = frame.version === 4 ? 4 : 16;
  const at = frame.l3 + (frame.version === 4 ? 12 : 8);
  const end = (from: number, port: number): Endpoint => {
    const address = new Uint8Array(view.buffer, view.byteOffset + from, bytes).slice();
    return { address, port, wireAddress: address, wirePort: port };
  };
  const sender = end(at, frame.ports >>> 16);
  const receiver = end(at + bytes, frame.ports & 0xffff);
  return side === 0 ? [sender, receiver] : [receiver, sender];
}

/** A SYN-ACK names the other direction's first byte. */
function answered(other: Direction, ack: number): void {
  if (other.hasIsn) return;
  if (!other.started) other.begin(ack);
  if (other.start !== ack) return;
  other.isn = (ack - 1) | 0;
  other.hasIsn = true;
  other.midStream = false;
}

/** Whether an ACK field answers a SYN: all of it, or part of its payload (RFC 7413 4.2.2). */
function acksSyn(of: Direction, ack: number): boolean {
  const acked = (ack - of.isn - 1) | 0;
  return of.hasIsn && acked >= 0 && acked <= (of.hasSyn ? of.seen.next : 0);
}

/** Whether nothing came of a SYN behind a live connection: neither data nor an answer. */
function isStray({ directions, previous }: Connection, side: 0 | 1): boolean {
  const own = directions[side]!;
  return previous !== null && own.hasSyn && !own.payload && !directions[1 - side]!.hasIsn;
}

/**
 * The tail of a connection may come behind the SYN of the next one with the same endpoints, and all
 * of it behind one that nobody answers.
 */
function straggler(connection: Connection, side: 0 | 1, seq: number): Connection {
  const own = connection.directions[side]!;
  const older = connection.previous?.directions[side];
  if (older === undefined || (own.hasSyn && !isStray(connection, side))) return connection;
  if (own.started && seq === own.nextSeq) return connection;
  const ahead = (seq - own.start) | 0;
  const next = own.hasSyn && seq === older.nextSeq;
  if (!next && own.started && ahead >= 0 && ahead < STRAGGLER_BYTES) return connection;
  if (!older.started) return connection;
  const distance = (seq - older.nextSeq) | 0;
  const near = distance > -STRAGGLER_BYTES && distance < STRAGGLER_BYTES;
  return near ? connection.previous! : connection;
}
