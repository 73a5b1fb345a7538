import {
  SK_ACK,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_NEXT,
  SK_PORTS,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WINDOW,
  SK_WORDS,
  SKF_IPV6,
  SKF_TSTAMP,
  TCP_ACK,
  TCP_SYN,
} from "../skb/skb-slab.js";
import { after } from "../wire/seq.js";
import { SynOptions } from "../wire/tcp-options.js";
import type { ConnectionTable } from "./connection-table.js";
import { dataQueue } from "./data-queue.js";
import { CAPTURE_SYN_AFTER_DATA, DROP_TOO_MANY_SOCKETS } from "./mib.js";
import { unlinkOfo } from "./ofo-purge.js";
import { queueOfo } from "./ofo-queue.js";
import { dropSkb } from "./receive-queue.js";
import { sackReset } from "./sack.js";
import {
  A_SCALE,
  C_ARTEFACTS,
  C_ISN,
  C_OFO_LAST,
  C_OFO_ROOT,
  C_PREV,
  C_START,
  C_SYN_MSS,
  C_SYN_SCALE,
  F_ACKED,
  F_CLOSED,
  F_DATA,
  F_FIN,
  F_INIT,
  F_ISN,
  F_MID,
  F_OWN,
  F_PRED,
  F_SACK_PERM,
  F_SYN,
  F_TS_OK,
  H_COPIED,
  H_FLAGS,
  H_HEAD,
  H_OUT_ACK,
  H_RCV_NXT,
  H_RCV_WUP,
  H_RMEM,
  H_TAIL,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";
import { challengeSyn } from "./validate.js";
import { captureAck, initWindow } from "./window.js";

/**
 * How a socket comes to know its first sequence number. The model takes part in no handshake: it
 * learns from the capture, where a SYN may come late, twice, or not at all.
 *
 *      SYN, nothing known of the direction     rcv_nxt = ISN + 1
 *      SYN-ACK                                 the same; its ACK is the other direction's ISN + 1
 *      data first                              mid-stream: rcv_nxt = its sequence number
 *      SYN behind its own data                 the queue moves back behind the SYN
 *      SYN with the known ISN                  a retransmission
 *      SYN with another ISN                    a new connection; the old sockets stay as they are
 *                                              and, until the SYN is answered, go on receiving
 */
const SAME = 0;
const FRESH = 1;
const REWIND = 2;
const NEW = 3;
const CHALLENGE = 4;

/** Data this close behind a SYN that comes late belongs to its connection. */
const LATE_SYN_BYTES = 1048576;
/** A segment this close to an earlier connection's rcv_nxt may be a straggler of it. */
const STRAGGLER_BYTES = 16777216;

const options = new SynOptions();

/**
 * Opens a connection for the skb's addresses and returns the skb's socket; -1 once there are as
 * many as there may be, and the skb is gone.
 */
export function openFor(t: SocketTable, table: ConnectionTable, skb: number): number {
  if (t.connections >= t.maxConnections) {
    dropSkb(t, skb, DROP_TOO_MANY_SOCKETS);
    return -1;
  }
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const ports = skbs[k + SK_PORTS]!;
  return (skbs[k + SK_FLAGS]! & SKF_IPV6) === 0
    ? table.open4(skbs[k + SK_SADDR]!, skbs[k + SK_DADDR]!, ports)
    : table.open6(skbs[k + SK_L3]! >>> 0, ports);
}

/**
 * Takes a SYN or SYN-ACK. Returns the socket that goes on with the payload that the SYN carried
 * (its flag then is off and its sequence number that of the payload), or -1 if the skb is gone.
 */
export function receiveSyn(
  t: SocketTable,
  table: ConnectionTable,
  known: number,
  skb: number,
): number {
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const isn = skbs[k + SK_SEQ]!;
  const verdict = judge(t, known, skb);
  if (verdict === CHALLENGE) {
    challengeSyn(t, known, skb, t.nowMs());
    return -1;
  }
  const sock = verdict === NEW ? openFor(t, table, skb) : known;
  if (sock < 0) return -1;
  if (verdict === NEW) passOver(t, known, sock);
  const at = sock << SOCK_SHIFT;
  const repeated = (t.hot[at + H_FLAGS]! & F_SYN) !== 0 && verdict === SAME;
  if (!repeated) {
    adoptSyn(t, sock, skb);
    if (verdict === REWIND) rewind(t, sock, (isn + 1) | 0);
    else if (verdict !== SAME) startOver(t, sock, (isn + 1) | 0);
    learnScales(t, sock);
  }
  if ((skbs[k + SK_FLAGS]! & TCP_ACK) !== 0) takeSynAck(t, sock, skb);
  if (skbs[k + SK_LEN]! > 0) {
    skbs[k + SK_SEQ] = (isn + 1) | 0;
    skbs[k + SK_END_SEQ] = (isn + 1 + skbs[k + SK_LEN]!) | 0;
    skbs[k + SK_FLAGS]! &= ~TCP_SYN;
    return sock;
  }
  // Data, in order or not, comes to an established socket, and so does this SYN then.
  if (repeated && ((t.hot[at + H_FLAGS]! & F_DATA) !== 0 || t.cold[at + C_OFO_ROOT]! >= 0)) {
    challengeSyn(t, sock, skb, t.nowMs());
  } else t.slab.free(skb);
  return -1;
}

/** Starts a socket in mid-stream, at the first segment that the capture shows of its direction. */
export function startMidStream(t: SocketTable, sock: number, skb: number): void {
  const k = skb * SK_WORDS;
  const timestamps = (t.slab.skbs[k + SK_FLAGS]! & SKF_TSTAMP) !== 0 ? F_TS_OK : 0;
  t.hot[(sock << SOCK_SHIFT) + H_FLAGS]! |= F_MID | timestamps;
  start(t, sock, t.slab.skbs[k + SK_SEQ]!);
  learnScales(t, sock);
}

/**
 * The socket that a segment without SYN belongs to. Directions come through different RX queues, so
 * the tail of a connection may arrive after the SYN of the next one with the same endpoints.
 */
export function settleReuse(t: SocketTable, sock: number, skb: number): number {
  const at = sock << SOCK_SHIFT;
  const previous = t.cold[at + C_PREV]!;
  const flags = t.hot[at + H_FLAGS]!;
  if (previous < 0 || ((flags & F_SYN) !== 0 && !unanswered(t, sock))) return sock;
  const seq = t.slab.skbs[skb * SK_WORDS + SK_SEQ]!;
  // As header prediction has it, which does not come here.
  if ((flags & F_INIT) !== 0 && seq === t.hot[at + H_RCV_NXT]) return sock;
  const ahead = (seq - t.cold[at + C_START]!) | 0;
  const older = (previous << 1) | (sock & 1);
  const oldAt = older << SOCK_SHIFT;
  const next = (flags & F_SYN) !== 0 && seq === t.hot[oldAt + H_RCV_NXT];
  if (!next && (flags & F_INIT) !== 0 && ahead >= 0 && ahead < STRAGGLER_BYTES) return sock;
  if ((t.hot[oldAt + H_FLAGS]! & F_INIT) === 0) return sock;
  const distance = (seq - t.hot[oldAt + H_RCV_NXT]!) | 0;
  return distance > -STRAGGLER_BYTES && distance < STRAGGLER_BYTES ? older : sock;
}

/**
 * Whether nothing came of a direction's SYN: neither data nor an answer. Linux answers a SYN within
 * a live connection by a challenge ACK (RFC 5961 section 4) and goes on receiving.
 */
function unanswered(t: SocketTable, sock: number): boolean {
  const data = t.hot[(sock << SOCK_SHIFT) + H_FLAGS]! & F_DATA;
  return data === 0 && (t.hot[((sock ^ 1) << SOCK_SHIFT) + H_FLAGS]! & F_ISN) === 0;
}

/**
 * Whether an ACK field answers a direction's SYN: all of it, or part of the payload that it carried
 * (TCP Fast Open, RFC 7413 section 4.2.2).
 */
function acksSyn(t: SocketTable, sock: number, ack: number): boolean {
  const at = sock << SOCK_SHIFT;
  if ((t.hot[at + H_FLAGS]! & F_ISN) === 0) return false;
  const first = (t.cold[at + C_ISN]! + 1) | 0;
  return ack === first || (after(ack, first) && !after(ack, t.hot[at + H_RCV_NXT]!));
}

/** A SYN behind one that nobody answered: what may be live is the connection before both. */
function passOver(t: SocketTable, known: number, fresh: number): void {
  const at = known << SOCK_SHIFT;
  const previous = t.cold[at + C_PREV]!;
  if (previous < 0 || (t.hot[at + H_FLAGS]! & F_SYN) === 0 || !unanswered(t, known)) return;
  t.cold[(fresh << SOCK_SHIFT) + C_PREV] = previous;
  t.cold[((fresh ^ 1) << SOCK_SHIFT) + C_PREV] = previous;
}

/** What a SYN means for the connection that has its endpoints. */
function judge(t: SocketTable, sock: number, skb: number): number {
  const at = sock << SOCK_SHIFT;
  const own = (sock ^ 1) << SOCK_SHIFT;
  const { hot, cold } = t;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const isn = skbs[k + SK_SEQ]!;
  const flags = hot[at + H_FLAGS]!;
  const otherIsn = (hot[own + H_FLAGS]! & F_ISN) !== 0;
  const answers = acksSyn(t, sock ^ 1, skbs[k + SK_ACK]!);
  const synAck = (skbs[k + SK_FLAGS]! & TCP_ACK) !== 0;
  if ((flags & F_ISN) !== 0) {
    if (cold[at + C_ISN] === isn) return SAME;
    if (!synAck || !answers) return NEW;
    return (flags & (F_DATA | F_FIN)) !== 0 ? CHALLENGE : FRESH;
  }
  if ((flags & F_INIT) === 0) return synAck && otherIsn && !answers ? NEW : FRESH;
  const behind = (cold[at + C_START]! - isn - 1) | 0;
  if (behind === 0) return SAME;
  const unread = hot[at + H_COPIED] === cold[at + C_START] && (flags & F_FIN) === 0;
  return behind > 0 && behind <= LATE_SYN_BYTES && unread ? REWIND : NEW;
}

/** Remembers what a SYN offered. */
function adoptSyn(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  options.parse(t.view, skbs[k + SK_L4]! >>> 0);
  t.cold[at + C_ISN] = skbs[k + SK_SEQ]!;
  t.cold[at + C_SYN_SCALE] = options.windowScale;
  t.cold[at + C_SYN_MSS] = options.mss;
  let flags = (t.hot[at + H_FLAGS]! | F_SYN | F_ISN) & ~(F_MID | F_TS_OK | F_SACK_PERM);
  if (options.timestamps) flags |= F_TS_OK;
  if (options.sackPermitted) flags |= F_SACK_PERM;
  t.hot[at + H_FLAGS] = flags;
}

/** The ACK field of a SYN-ACK names the other direction's ISN; its window is not scaled. */
function takeSynAck(t: SocketTable, sock: number, skb: number): void {
  const other = sock ^ 1;
  const at = other << SOCK_SHIFT;
  const k = skb * SK_WORDS;
  const ack = t.slab.skbs[k + SK_ACK]!;
  const flags = t.hot[at + H_FLAGS]!;
  if ((flags & F_ISN) === 0) {
    if ((flags & F_INIT) === 0) {
      start(t, other, ack);
      learnScales(t, other);
    }
    if (t.cold[at + C_START] === ack) {
      t.cold[at + C_ISN] = (ack - 1) | 0;
      t.hot[at + H_FLAGS] = (t.hot[at + H_FLAGS]! | F_ISN) & ~F_MID;
    }
  }
  captureAck(t, other, ack, t.slab.skbs[k + SK_WINDOW]!);
}

/** Sets the first expected sequence number and opens the window. */
function start(t: SocketTable, sock: number, seq: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  hot[at + H_RCV_NXT] = seq;
  hot[at + H_COPIED] = seq;
  t.cold[at + C_START] = seq;
  // A socket that was closed before its peer's SYN came takes no data: prediction would.
  const predicted = (hot[at + H_FLAGS]! & F_CLOSED) !== 0 ? 0 : F_PRED;
  hot[at + H_FLAGS]! |= F_INIT | predicted | F_OWN;
  initWindow(t, sock);
}

/** The SYN came behind data: what is queued, unread, is taken anew, most of it out of order. */
function rewind(t: SocketTable, sock: number, seq: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const skbs = t.slab.skbs;
  t.artefacts[CAPTURE_SYN_AFTER_DATA]!++;
  t.cold[at + C_ARTEFACTS]!++;
  let skb = hot[at + H_HEAD]!;
  hot[at + H_HEAD] = -1;
  hot[at + H_TAIL] = -1;
  hot[at + H_RCV_NXT] = seq;
  hot[at + H_COPIED] = seq;
  hot[at + H_RCV_WUP] = seq;
  t.cold[at + C_START] = seq;
  while (skb >= 0) {
    const next = skbs[skb * SK_WORDS + SK_NEXT]!;
    hot[at + H_RMEM]! -= skbs[skb * SK_WORDS + SK_TRUESIZE]!;
    takeAnew(t, sock, skb);
    skb = next;
  }
}

/** A SYN puts the start elsewhere: what waited out of order is taken anew from there. */
function startOver(t: SocketTable, sock: number, seq: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  let chain = -1;
  for (;;) {
    const skb = t.cold[at + C_OFO_LAST]!;
    if (skb < 0) break;
    unlinkOfo(t, sock, skb);
    skbs[skb * SK_WORDS + SK_NEXT] = chain;
    chain = skb;
  }
  sackReset(t, sock);
  start(t, sock, seq);
  while (chain >= 0) {
    const next = skbs[chain * SK_WORDS + SK_NEXT]!;
    takeAnew(t, sock, chain);
    chain = next;
  }
}

/** A queued skb's place under a new rcv_nxt, at which it may begin, or before it. */
function takeAnew(t: SocketTable, sock: number, skb: number): void {
  const isAhead = after(
    t.slab.skbs[skb * SK_WORDS + SK_SEQ]!,
    t.hot[(sock << SOCK_SHIFT) + H_RCV_NXT]!,
  );
  if (isAhead) queueOfo(t, sock, skb);
  else dataQueue(t, sock, skb, t.nowMs());
}

/**
 * Works out how both directions' window fields are scaled, and applies the last one of each that
 * could not be read before. The sockets' own state starts anew where nothing has come yet, since a
 * SYN tells its sender's MSS.
 */
function learnScales(t: SocketTable, sock: number): void {
  for (let s = sock & ~1; s <= (sock | 1); s++) {
    const at = s << SOCK_SHIFT;
    const hot = t.hot;
    const flags = hot[at + H_FLAGS]!;
    if ((flags & (F_INIT | F_OWN | F_DATA)) === (F_INIT | F_OWN)) initWindow(t, s);
    hot[at + A_SCALE] = scaleOf(t, s);
  }
  for (let s = sock & ~1; s <= (sock | 1); s++) {
    const at = s << SOCK_SHIFT;
    const flags = t.hot[at + H_FLAGS]!;
    const scale = t.hot[at + A_SCALE]!;
    if ((flags & F_ACKED) === 0 || scale < 0) continue;
    captureAck(t, s ^ 1, t.hot[at + H_OUT_ACK]!, (flags >>> 16) << scale);
  }
}

/** Shift of the window fields that a direction's sender puts into its packets, or -1. */
function scaleOf(t: SocketTable, sock: number): number {
  const at = sock << SOCK_SHIFT;
  const own = (sock ^ 1) << SOCK_SHIFT;
  const otherLacks = (t.hot[own + H_FLAGS]! & F_SYN) !== 0 && t.cold[own + C_SYN_SCALE]! < 0;
  if (otherLacks) return 0;
  if ((t.hot[at + H_FLAGS]! & F_SYN) === 0) return -1;
  return Math.max(t.cold[at + C_SYN_SCALE]!, 0);
}
