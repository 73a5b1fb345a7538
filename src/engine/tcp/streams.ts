import { InvariantViolation } from "../ledger/invariant.js";
import {
  SK_END_SEQ,
  SK_FLAGS,
  SK_NEXT,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  SKF_GREW,
} from "../skb/skb-slab.js";
import { after, before } from "../wire/seq.js";
import {
  C_ARTEFACTS,
  C_GAPS,
  C_NUM_SACKS,
  C_OFO_COUNT,
  C_OFO_LAST,
  C_OFO_ROOT,
  C_SACKS,
  F_ACKED,
  F_CLOSED,
  F_DATA,
  F_FIN,
  F_INIT,
  F_MID,
  F_OWN,
  F_RST,
  F_SYN,
  F_V6,
  H_COPIED,
  H_FLAGS,
  H_HEAD,
  H_KEY_HI,
  H_KEY_LO,
  H_PORTS,
  H_RCV_NXT,
  H_RCVBUF,
  H_RMEM,
  H_TAIL,
  SOCK_SHIFT,
  type SocketTable,
  W_DELIVERED,
  WIDE,
} from "./socket-table.js";
import { receiveWindow } from "./space.js";

/** What the report says of one direction of one connection. */
export interface StreamRow {
  readonly sock: number;
  /** 1 word (IPv4) or 4 words (IPv6) an address, most significant first, as u32. */
  readonly src: readonly number[];
  readonly sport: number;
  readonly dst: readonly number[];
  readonly dport: number;
  /** Bytes that the application took. */
  readonly bytes: number;
  /** Whether the capture showed a segment of this direction that was not refused outright. */
  readonly seen: boolean;
  /** Whether payload was accepted. */
  readonly payload: boolean;
  /** Holes behind which data waits. */
  readonly gaps: number;
  readonly end: "fin" | "rst" | "hole" | "open";
  /** The capture does not show the sender's SYN. */
  readonly midStream: boolean;
  /** The capture shows nothing that the receiver sent. */
  readonly oneSided: boolean;
  /** Whether the acceptance window was the model's own. */
  readonly ownWindow: boolean;
  /** sk_rcvbuf and the receive window (tcp_receive_window) as they are now, bytes. */
  readonly rcvbuf: number;
  readonly window: number;
  /** Segments that only the way of capturing explains. */
  readonly captureArtefacts: number;
}

/** See {@link StreamRow}. */
export function streamRow(t: SocketTable, sock: number): StreamRow {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const flags = hot[at + H_FLAGS]!;
  const other = hot[((sock ^ 1) << SOCK_SHIFT) + H_FLAGS]!;
  const low = endpoint(t, at, 0);
  const high = endpoint(t, at, 1);
  const fromHigh = (sock & 1) === 1;
  const ports = hot[at + H_PORTS]!;
  const lowPort = ports >>> 16;
  const highPort = ports & 0xffff;
  const open = (flags & F_CLOSED) === 0;
  const gaps = open ? t.ofo.gaps(cold[at + C_OFO_ROOT]!, hot[at + H_RCV_NXT]!) : cold[at + C_GAPS]!;
  const end =
    (flags & F_FIN) !== 0 ? "fin" : (flags & F_RST) !== 0 ? "rst" : gaps > 0 ? "hole" : "open";
  return {
    sock,
    src: fromHigh ? high : low,
    sport: fromHigh ? highPort : lowPort,
    dst: fromHigh ? low : high,
    dport: fromHigh ? lowPort : highPort,
    bytes: t.wide[sock * WIDE + W_DELIVERED]!,
    seen: (flags & (F_INIT | F_ACKED)) !== 0,
    payload: (flags & F_DATA) !== 0,
    gaps,
    end,
    midStream: (flags & F_MID) !== 0 || (flags & F_INIT) === 0,
    oneSided: (other & (F_SYN | F_ACKED | F_DATA)) === 0,
    ownWindow: (flags & F_OWN) !== 0,
    rcvbuf: hot[at + H_RCVBUF]!,
    window: receiveWindow(t, sock),
    captureArtefacts: cold[at + C_ARTEFACTS]!,
  };
}

function endpoint(t: SocketTable, at: number, which: number): number[] {
  const lo = t.hot[at + H_KEY_LO]!;
  if ((t.hot[at + H_FLAGS]! & F_V6) === 0) {
    return [(which === 0 ? lo : t.hot[at + H_KEY_HI]!) >>> 0];
  }
  const from = lo * 8 + which * 4;
  return Array.from(t.v6Keys.subarray(from, from + 4), (word) => word >>> 0);
}

/**
 * Invariants 35 to 38 of one socket: copied_seq not beyond rcv_nxt; the ofo queue beyond rcv_nxt,
 * in order, no node inside another one but for one that grew over it; SACK blocks few, apart and
 * beyond rcv_nxt; rmem_alloc the sum of the queues' truesize.
 */
export function auditSocket(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const skbs = t.slab.skbs;
  const rcvNxt = hot[at + H_RCV_NXT]!;
  if (after(hot[at + H_COPIED]!, rcvNxt)) fail(35, sock, "copied_seq is beyond rcv_nxt");
  let truesize = 0;
  let last = -1;
  for (let skb = hot[at + H_HEAD]!; skb >= 0; skb = skbs[skb * SK_WORDS + SK_NEXT]!) {
    truesize += skbs[skb * SK_WORDS + SK_TRUESIZE]!;
    last = skb;
  }
  if (last !== hot[at + H_TAIL]) fail(38, sock, "the receive queue's tail is off");
  let count = 0;
  let previous = -1;
  const root = cold[at + C_OFO_ROOT]!;
  for (let node = t.ofo.first(root); node >= 0; node = t.ofo.next(node)) {
    const k = node * SK_WORDS;
    truesize += skbs[k + SK_TRUESIZE]!;
    count++;
    if (!after(skbs[k + SK_SEQ]!, rcvNxt)) fail(36, sock, "a node of the ofo queue is readable");
    if (previous >= 0) {
      const p = previous * SK_WORDS;
      if (!before(skbs[p + SK_SEQ]!, skbs[k + SK_SEQ]!))
        fail(36, sock, "the ofo queue is unsorted");
      const grew = (skbs[p + SK_FLAGS]! & SKF_GREW) !== 0;
      if (!grew && !after(skbs[k + SK_END_SEQ]!, skbs[p + SK_END_SEQ]!)) {
        fail(36, sock, "a node of the ofo queue is covered by another");
      }
    }
    previous = node;
  }
  if (previous !== cold[at + C_OFO_LAST]) fail(36, sock, "ooo_last_skb is not the last node");
  if (count !== cold[at + C_OFO_COUNT]) fail(36, sock, "the ofo queue's count is off");
  if (count > 0 && (hot[at + H_FLAGS]! & F_FIN) !== 0) fail(36, sock, "ofo data behind a FIN");
  if (truesize !== hot[at + H_RMEM]) {
    fail(38, sock, `rmem_alloc is ${hot[at + H_RMEM]}, the queues hold ${truesize}`);
  }
  auditSacks(t, sock, at, rcvNxt);
}

function auditSacks(t: SocketTable, sock: number, at: number, rcvNxt: number): void {
  const cold = t.cold;
  const count = cold[at + C_NUM_SACKS]!;
  if (count > 4) fail(37, sock, "more than four SACK blocks");
  for (let i = 0; i < count; i++) {
    const block = at + C_SACKS + i * 2;
    if (!after(cold[block]!, rcvNxt)) fail(37, sock, "a SACK block starts at or below rcv_nxt");
    for (let j = 0; j < i; j++) {
      const other = at + C_SACKS + j * 2;
      const apart =
        before(cold[block + 1]!, cold[other]!) || before(cold[other + 1]!, cold[block]!);
      if (!apart) fail(37, sock, "two SACK blocks touch");
    }
  }
}

function fail(invariant: number, sock: number, message: string): never {
  throw new InvariantViolation(invariant, `socket ${sock}: ${message}`);
}
