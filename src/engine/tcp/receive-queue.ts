import {
  FR_NEXT,
  FR_STAMP_NS,
  FR_TIMES,
  FR_WORDS,
  SK_FRAG_HEAD,
  SK_GSO_SEGS,
  SK_NEXT,
  SK_TRUESIZE,
  SK_WORDS,
} from "../skb/skb-slab.js";
import { tryCoalesce } from "./coalesce.js";
import {
  F_TOLD,
  H_FLAGS,
  H_HEAD,
  H_RMEM,
  H_TAIL,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/**
 * sk_receive_queue: what is readable, in order.
 *
 *      H_HEAD -> [skb] -SK_NEXT-> [skb] -> ... -> [skb] <- H_TAIL        empty: -1, -1
 *                   ^ copied_seq somewhere inside
 */

/** The skb's bytes are readable from now on: the `stack` stage ends for each of its frags. */
export function stampReadable(t: SocketTable, skb: number): void {
  if (!t.stages.on) return;
  const { frags, fragTimes, skbs } = t.slab;
  const now = t.nowNs();
  const histogram = t.stages.stack;
  let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
  while (frag >= 0) {
    const stamp = fragTimes[frag * FR_TIMES + FR_STAMP_NS]!;
    let alike = 0;
    do {
      fragTimes[frag * FR_TIMES + FR_STAMP_NS] = now;
      alike++;
      frag = frags[frag * FR_WORDS + FR_NEXT]!;
    } while (frag >= 0 && fragTimes[frag * FR_TIMES + FR_STAMP_NS] === stamp);
    histogram.record(now > stamp ? now - stamp : 0, alike);
  }
}

/** Links an skb behind the receive queue; its charge is the caller's. */
function appendSkb(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const skbs = t.slab.skbs;
  const tail = hot[at + H_TAIL]!;
  skbs[skb * SK_WORDS + SK_NEXT] = -1;
  if (tail < 0) hot[at + H_HEAD] = skb;
  else skbs[tail * SK_WORDS + SK_NEXT] = skb;
  hot[at + H_TAIL] = skb;
}

/** tcp_queue_rcv: joins an skb that was charged already to the tail, or appends it. */
export function queueRcv(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const tail = t.hot[at + H_TAIL]!;
  const truesize = t.slab.skbs[skb * SK_WORDS + SK_TRUESIZE]!;
  if (tail >= 0 && tryCoalesce(t, sock, tail, skb)) t.hot[at + H_RMEM]! -= truesize;
  else appendSkb(t, sock, skb);
}

/** sk_data_ready: tells the reader, once until it has run dry. */
export function tellReader(t: SocketTable, sock: number, queue: number): void {
  const at = (sock << SOCK_SHIFT) + H_FLAGS;
  const flags = t.hot[at]!;
  if ((flags & F_TOLD) !== 0) return;
  t.hot[at] = flags | F_TOLD;
  t.events.dataReady(sock, queue);
}

/** tcp_drop_reason: counts an skb's segments under `reason` and frees it. */
export function dropSkb(t: SocketTable, skb: number, reason: number): void {
  const segments = t.slab.skbs[skb * SK_WORDS + SK_GSO_SEGS]!;
  t.drops[reason]! += Math.max(segments, 1);
  t.slab.free(skb);
}

/** A model of a stack that loses an skb (row F28): unlinked and uncharged, and never freed. */
export function loseFirst(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const skb = t.hot[at + H_HEAD]!;
  if (skb < 0) return;
  const next = t.slab.skbs[skb * SK_WORDS + SK_NEXT]!;
  t.hot[at + H_HEAD] = next;
  if (next < 0) t.hot[at + H_TAIL] = -1;
  t.hot[at + H_RMEM]! -= t.slab.skbs[skb * SK_WORDS + SK_TRUESIZE]!;
}

/** Unlinks and frees the first skb and gives its truesize back (tcp_eat_recv_skb). */
export function eatFirst(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const skb = hot[at + H_HEAD]!;
  const skbs = t.slab.skbs;
  const next = skbs[skb * SK_WORDS + SK_NEXT]!;
  hot[at + H_HEAD] = next;
  if (next < 0) hot[at + H_TAIL] = -1;
  hot[at + H_RMEM]! -= skbs[skb * SK_WORDS + SK_TRUESIZE]!;
  t.slab.free(skb);
}
