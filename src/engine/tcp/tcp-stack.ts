import { InvariantViolation } from "../ledger/invariant.js";
import { TASK_CLOSE, TASK_OTHER } from "../netmem/netmem-return.js";
import type { Counters } from "../probe/counters.js";
import {
  SK_ACK,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_L3,
  SK_LEN,
  SK_NEXT,
  SK_PORTS,
  SK_QUEUE,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_TSECR,
  SK_TSVAL,
  SK_WINDOW,
  SK_WORDS,
  SKF_IPV6,
  SKF_TSTAMP,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
} from "../skb/skb-slab.js";
import { ackSndCheck, cleanupRbuf, fireDelayedAck } from "./ack-decision.js";
import { eventDataRecv } from "./ack-state.js";
import { rcvSpaceAdjust } from "./autotune.js";
import { ConnectionTable } from "./connection-table.js";
import { dataQueue } from "./data-queue.js";
import { openFor, receiveSyn, settleReuse, startMidStream } from "./handshake.js";
import {
  ABORT_ON_DATA,
  artefactCounters,
  DROP_ABORT_ON_DATA,
  DROP_CLOSE,
  DROP_FLAGS,
  DROP_NO_SOCKET,
  HP_HITS,
  tcpCounters,
  URGENT_SEGMENTS,
} from "./mib.js";
import { dropSkb, eatFirst, queueRcv, stampReadable, tellReader } from "./receive-queue.js";
import { SocketClose } from "./socket-close.js";
import type { SocketEvents, SocketFace } from "./socket-face.js";
import {
  A_SCALE,
  A_TSECR,
  A_TSVAL,
  C_TS_STAMP,
  F_ACKED,
  F_CLOSED,
  F_DATA,
  F_FIN,
  F_INIT,
  F_OWN,
  F_PRED,
  F_RST,
  F_TOLD,
  F_TS_OK,
  F_TS_RECENT,
  H_COPIED,
  H_EDGE,
  H_FLAGS,
  H_HEAD,
  H_OUT_ACK,
  H_RCV_NXT,
  H_RCV_WUP,
  H_RCVBUF,
  H_RMEM,
  H_TAIL,
  H_TS_RECENT,
  SOCK_SHIFT,
  SocketTable,
  type TcpDeps,
  W_DELIVERED,
  WIDE,
} from "./socket-table.js";
import { auditSocket, type StreamRow, streamRow } from "./streams.js";
import { replaceTsRecent, reset, validateIncoming } from "./validate.js";
import { captureAck } from "./window.js";

/** Flags of which header prediction wants ACK alone (TCP_HP_BITS). */
const PREDICTED = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG | TCP_ECE | TCP_CWR;

/**
 * The TCP receive path (net/ipv4/tcp_input.c, tcp_ipv4.c): both directions of every connection of a
 * capture end here, each in a socket of its own.
 *
 *      skb -> connection -> header prediction -------------------> receive queue -> reader
 *                             \-> SYN, sequence, PAWS, RST -> data queue -> ofo queue
 */
export class TcpStack implements SocketFace {
  /** TCP's MIB counters (tcp/mib.ts). */
  readonly mib: Counters;
  /** What only the way of capturing explains (TCP_ARTEFACTS), of this pass. */
  readonly artefacts: Counters;
  readonly #t: SocketTable;
  readonly #table: ConnectionTable;
  /** close() by the application, and the way to destruction. */
  readonly ending: SocketClose;
  readonly #tcpNs: number;
  readonly #ofoExtraNs: number;

  constructor(deps: TcpDeps) {
    this.mib = tcpCounters();
    this.artefacts = artefactCounters();
    this.#t = new SocketTable(deps, this.mib.values, this.artefacts.values);
    this.#table = new ConnectionTable(this.#t, deps.seed, deps.connections ?? 1024);
    this.ending = new SocketClose(this.#t);
    this.#tcpNs = deps.costs.tcpNs;
    this.#ofoExtraNs = Math.max(deps.costs.ofoNs - deps.costs.tcpNs, 0);
  }

  /** Who is told of readable data; may be set after construction. */
  set events(events: SocketEvents) {
    this.#t.events = events;
  }

  get sockets(): number {
    return this.#t.connections * 2;
  }

  /** tcp_v4_rcv: takes a TCP skb from GRO and consumes it. */
  receive(skb: number): void {
    const t = this.#t;
    const skbs = t.slab.skbs;
    const k = skb * SK_WORDS;
    const flags = skbs[k + SK_FLAGS]!;
    const ports = skbs[k + SK_PORTS]!;
    t.cpu.spentNs += this.#tcpNs;
    const sock =
      (flags & SKF_IPV6) === 0
        ? this.#table.find4(skbs[k + SK_SADDR]!, skbs[k + SK_DADDR]!, ports)
        : this.#table.find6(skbs[k + SK_L3]! >>> 0, ports);
    const seq = skbs[k + SK_SEQ]!;
    const len = skbs[k + SK_LEN]!;
    if (sock >= 0 && len > 0 && (flags & PREDICTED) === TCP_ACK) {
      const at = sock << SOCK_SHIFT;
      const hot = t.hot;
      const end = (seq + len) | 0;
      if (
        (hot[at + H_FLAGS]! & F_PRED) !== 0 &&
        seq === hot[at + H_RCV_NXT] &&
        ((end - hot[at + H_EDGE]!) | 0) <= 0 &&
        hot[at + H_RMEM]! + skbs[k + SK_TRUESIZE]! <= hot[at + H_RCVBUF]! &&
        ((flags & SKF_TSTAMP) === 0 || this.#timely(at, k))
      ) {
        skbs[k + SK_END_SEQ] = end;
        this.#predicted(sock, at, skb, k, end);
        return;
      }
    }
    const fin = (flags & TCP_FIN) !== 0 ? 1 : 0;
    const syn = (flags & TCP_SYN) !== 0 ? 1 : 0;
    skbs[k + SK_END_SEQ] = (seq + len + fin + syn) | 0;
    this.#slow(sock, skb);
  }

  head(sock: number): number {
    const at = sock << SOCK_SHIFT;
    const hot = this.#t.hot;
    const head = hot[at + H_HEAD]!;
    if (head < 0) hot[at + H_FLAGS]! &= ~F_TOLD;
    return head;
  }

  copiedSeq(sock: number): number {
    return this.#t.hot[(sock << SOCK_SHIFT) + H_COPIED]!;
  }

  readableSeq(sock: number): number {
    const at = sock << SOCK_SHIFT;
    const fin = (this.#t.hot[at + H_FLAGS]! & F_FIN) !== 0 ? 1 : 0;
    return (this.#t.hot[at + H_RCV_NXT]! - fin) | 0;
  }

  ended(sock: number): boolean {
    return (this.#t.hot[(sock << SOCK_SHIFT) + H_FLAGS]! & (F_FIN | F_RST)) !== 0;
  }

  advance(sock: number, bytes: number): void {
    const at = sock << SOCK_SHIFT;
    const hot = this.#t.hot;
    const copied = (hot[at + H_COPIED]! + bytes) | 0;
    if (((hot[at + H_RCV_NXT]! - copied) | 0) < 0) {
      throw new InvariantViolation(35, `socket ${sock} was read beyond rcv_nxt by ${bytes} bytes`);
    }
    hot[at + H_COPIED] = copied;
    this.#t.wide[sock * WIDE + W_DELIVERED]! += bytes;
  }

  eat(sock: number): void {
    const at = sock << SOCK_SHIFT;
    eatFirst(this.#t, sock);
    if (this.#t.hot[at + H_RMEM]! < 0) {
      throw new InvariantViolation(38, `socket ${sock}: rmem_alloc fell below 0`);
    }
  }

  readDone(sock: number, bytes: number): void {
    const t = this.#t;
    const at = sock << SOCK_SHIFT;
    if (bytes > 0) rcvSpaceAdjust(t, sock);
    if ((t.hot[at + H_FLAGS]! & F_OWN) !== 0) {
      fireDelayedAck(t, sock, t.nowMs());
      cleanupRbuf(t, sock, bytes);
    }
    if (t.hot[at + H_HEAD]! < 0) t.hot[at + H_FLAGS]! &= ~F_TOLD;
  }

  close(sock: number): void {
    this.ending.close(sock);
    this.ending.destroy(sock);
  }

  /** tcp_reset for an RST from nowhere: the peer's, or one that a test or a fault plan sends. */
  resetByPeer(sock: number): void {
    reset(this.#t, sock, 0);
  }

  /** The end of the capture: closes every socket, in order. */
  finish(): void {
    const { cpu } = this.#t;
    cpu.task = TASK_CLOSE;
    for (let sock = 0; sock < this.sockets; sock++) this.close(sock);
    cpu.task = TASK_OTHER;
  }

  /** Forgets all connections after {@link finish}: the next pass opens new ones. The MIB stays. */
  restart(): void {
    this.#t.clear();
    this.artefacts.values.fill(0);
    this.#table.clear();
  }

  /** The report's row of a socket. */
  streamOf(sock: number): StreamRow {
    return streamRow(this.#t, sock);
  }

  /** Checks invariants 35 to 38 of every socket; for tests and the end of a run. */
  audit(): void {
    for (let sock = 0; sock < this.sockets; sock++) auditSocket(this.#t, sock);
  }

  /** Whether the segment's timestamp is not behind ts_recent (header prediction's test). */
  #timely(at: number, k: number): boolean {
    const t = this.#t;
    const flags = t.hot[at + H_FLAGS]!;
    if ((flags & F_TS_OK) === 0) return true;
    const value = t.slab.skbs[k + SK_TSVAL]!;
    if ((flags & F_TS_RECENT) !== 0 && ((value - t.hot[at + H_TS_RECENT]!) | 0) < 0) return false;
    t.hot[at + A_TSVAL] = value;
    t.hot[at + A_TSECR] = t.slab.skbs[k + SK_TSECR]!;
    if (t.hot[at + H_RCV_NXT] === t.hot[at + H_RCV_WUP]) {
      t.hot[at + H_TS_RECENT] = value;
      t.hot[at + H_FLAGS] = flags | F_TS_RECENT;
      t.cold[at + C_TS_STAMP] = t.nowSeconds();
    }
    return true;
  }

  /** The fast path of tcp_rcv_established: in order, in the window, with room for it. */
  #predicted(sock: number, at: number, skb: number, k: number, end: number): void {
    const t = this.#t;
    const hot = t.hot;
    const skbs = t.slab.skbs;
    const flags = hot[at + H_FLAGS]!;
    const queue = skbs[k + SK_QUEUE]!;
    const window = skbs[k + SK_WINDOW]!;
    if (window === flags >>> 16) t.mib[HP_HITS]!++;
    if (window !== flags >>> 16 || skbs[k + SK_ACK] !== hot[at + H_OUT_ACK]) {
      this.#peerAck(sock, skbs[k + SK_ACK]!, window);
    }
    const now = t.nowMs();
    if ((flags & F_OWN) !== 0) fireDelayedAck(t, sock, now);
    stampReadable(t, skb);
    hot[at + H_RCV_NXT] = end;
    hot[at + H_RMEM]! += skbs[k + SK_TRUESIZE]!;
    eventDataRecv(t, sock, skb, now);
    if (hot[at + H_TAIL]! < 0) {
      skbs[k + SK_NEXT] = -1;
      hot[at + H_HEAD] = skb;
      hot[at + H_TAIL] = skb;
    } else queueRcv(t, sock, skb);
    hot[at + H_FLAGS]! |= F_DATA;
    if ((flags & F_OWN) !== 0) ackSndCheck(t, sock, false, now);
    if ((flags & F_TOLD) === 0) tellReader(t, sock, queue);
  }

  /** Everything that header prediction does not take. */
  #slow(found: number, skb: number): void {
    const t = this.#t;
    const skbs = t.slab.skbs;
    const k = skb * SK_WORDS;
    const flags = skbs[k + SK_FLAGS]!;
    const refusal = refusedFlags(flags, found);
    if (refusal >= 0) {
      dropSkb(t, skb, refusal);
      return;
    }
    if ((flags & TCP_URG) !== 0) t.artefacts[URGENT_SEGMENTS]!++;
    let sock = found < 0 ? openFor(t, this.#table, skb) : found;
    if (sock < 0) return;
    if ((flags & TCP_SYN) !== 0) {
      sock = receiveSyn(t, this.#table, sock, skb);
      if (sock < 0) return;
    } else sock = settleReuse(t, sock, skb);
    const acks = (flags & (TCP_ACK | TCP_RST | TCP_SYN)) === TCP_ACK;
    const at = sock << SOCK_SHIFT;
    if ((t.hot[at + H_FLAGS]! & F_INIT) === 0) {
      // An RST, as in SYN-SENT, or an ACK: nothing of this direction can be out of place yet.
      if ((flags & TCP_RST) !== 0 || skbs[k + SK_SEQ] === skbs[k + SK_END_SEQ]) {
        if (acks) this.#peerAck(sock, skbs[k + SK_ACK]!, skbs[k + SK_WINDOW]!);
        t.slab.free(skb);
        return;
      }
      startMidStream(t, sock, skb);
    }
    if ((t.hot[at + H_FLAGS]! & (F_RST | F_CLOSED)) !== 0) this.ending.receive(sock, skb);
    else this.#established(sock, skb, acks);
  }

  /**
   * tcp_rcv_established's slow path, and what tcp_rcv_state_process does behind a FIN; `acks`: the
   * ACK and window fields count.
   */
  #established(sock: number, skb: number, acks: boolean): void {
    const t = this.#t;
    const skbs = t.slab.skbs;
    const k = skb * SK_WORDS;
    const at = sock << SOCK_SHIFT;
    const now = t.nowMs();
    if ((t.hot[at + H_FLAGS]! & F_OWN) !== 0) fireDelayedAck(t, sock, now);
    if (validateIncoming(t, sock, skb, now)) {
      replaceTsRecent(t, sock, skb);
      if (acks) this.#peerAck(sock, skbs[k + SK_ACK]!, skbs[k + SK_WINDOW]!);
      const seq = skbs[k + SK_SEQ]!;
      const ahead = (seq - t.hot[at + H_RCV_NXT]!) | 0;
      if (seq === skbs[k + SK_END_SEQ]) {
        t.slab.free(skb);
        return;
      }
      if ((t.hot[at + H_FLAGS]! & F_FIN) !== 0 && this.#behindFin(sock, skb, ahead)) return;
      if (ahead > 0) t.cpu.spentNs += this.#ofoExtraNs;
      dataQueue(t, sock, skb, now);
    }
    if ((t.hot[at + H_FLAGS]! & F_OWN) !== 0) ackSndCheck(t, sock, true, now);
  }

  /** Drops what a segment brings beyond an accepted FIN; new data aborts (RCV_SHUTDOWN). */
  #behindFin(sock: number, skb: number, ahead: number): boolean {
    const t = this.#t;
    const skbs = t.slab.skbs;
    const k = skb * SK_WORDS;
    if (ahead >= 0) {
      dropSkb(t, skb, DROP_CLOSE);
      return true;
    }
    const fin = (skbs[k + SK_FLAGS]! & TCP_FIN) !== 0 ? 1 : 0;
    const end = (skbs[k + SK_END_SEQ]! - fin) | 0;
    if (((end - t.hot[(sock << SOCK_SHIFT) + H_RCV_NXT]!) | 0) <= 0) return false;
    t.mib[ABORT_ON_DATA]!++;
    reset(t, sock, skbs[k + SK_QUEUE]!);
    dropSkb(t, skb, DROP_ABORT_ON_DATA);
    return true;
  }

  /** Notes the ACK and window fields of a packet: they speak for the other direction's receiver. */
  #peerAck(sock: number, ack: number, window: number): void {
    const hot = this.#t.hot;
    const at = sock << SOCK_SHIFT;
    const flags = hot[at + H_FLAGS]!;
    if (hot[at + H_OUT_ACK] === ack && flags >>> 16 === window && (flags & F_ACKED) !== 0) return;
    const stale = (flags & F_ACKED) !== 0 && ((ack - hot[at + H_OUT_ACK]!) | 0) < 0;
    if (stale) return;
    hot[at + H_OUT_ACK] = ack;
    hot[at + H_FLAGS] = (flags & 0xffff) | F_ACKED | (window << 16);
    const scale = hot[at + A_SCALE]!;
    captureAck(this.#t, sock ^ 1, ack, scale < 0 ? -1 : window << scale);
  }
}

/** Drop reason of a segment whose flags make no sense, or of an RST without a socket; else -1. */
function refusedFlags(flags: number, found: number): number {
  if ((flags & (TCP_ACK | TCP_RST | TCP_SYN)) === 0) return DROP_FLAGS;
  if ((flags & TCP_SYN) !== 0 && (flags & (TCP_FIN | TCP_RST)) !== 0) return DROP_FLAGS;
  return found < 0 && (flags & TCP_RST) !== 0 ? DROP_NO_SOCKET : -1;
}
