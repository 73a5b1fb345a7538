import {
  SK_END_SEQ,
  SK_FLAGS,
  SK_GSO_SEGS,
  SK_LEN,
  SK_QUEUE,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  SKF_GREW,
  TCP_FIN,
} from "../skb/skb-slab.js";
import { after, before } from "../wire/seq.js";
import { growWindow, measureRcvMss, scheduleAck } from "./ack-state.js";
import { rcvbufGrow } from "./autotune.js";
import { tryCoalesce } from "./coalesce.js";
import { settleEarlyAck } from "./early-ack.js";
import { tryRmemSchedule } from "./memory-pressure.js";
import { DROP_OFO, DROP_OFOMERGE, DROP_PROTO_MEM, OFO_DROP, OFO_MERGE, OFO_QUEUE } from "./mib.js";
import { unlinkOfo } from "./ofo-purge.js";
import { dropSkb, queueRcv, stampReadable, tellReader } from "./receive-queue.js";
import { dsackExtend, dsackSet, sackNewOfo, sackOk } from "./sack.js";
import {
  A_QUICK,
  A_SPACE,
  ACK_EARLY,
  C_NUM_SACKS,
  C_OFO_COUNT,
  C_OFO_LAST,
  C_OFO_ROOT,
  F_PRED,
  H_FLAGS,
  H_RCV_NXT,
  H_RMEM,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/**
 * The out-of-order queue (tcp_data_queue_ofo, tcp_ofo_queue in net/ipv4/tcp_input.c): segments
 * beyond a hole, in a tree by sequence number (ofo-tree.ts). Afterwards all of them lie beyond
 * rcv_nxt (invariant 36). A segment may lie in another one only where that one grew over it, when
 * what came was joined to it: the queue drops it when it is drained.
 */

/** tcp_data_queue_ofo: takes a segment that lies beyond rcv_nxt. */
export function queueOfo(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const seq = skbs[k + SK_SEQ]!;
  const end = skbs[k + SK_END_SEQ]!;
  if (!tryRmemSchedule(t, sock, skb)) {
    t.mib[OFO_DROP]!++;
    tellReader(t, sock, skbs[k + SK_QUEUE]!);
    dropSkb(t, skb, DROP_PROTO_MEM);
    return;
  }
  measureRcvMss(t, sock, skb);
  t.hot[at + H_FLAGS]! &= ~F_PRED;
  scheduleAck(t, sock, 0);
  t.mib[OFO_QUEUE]!++;
  const sack = sackOk(t, sock);
  if (t.cold[at + C_OFO_ROOT]! < 0) {
    t.cold[at + C_NUM_SACKS] = 0;
    if (sack) sackNewOfo(t, sock, seq, end);
    t.cold[at + C_OFO_ROOT] = t.ofo.link(-1, skb, -1, false);
    t.cold[at + C_OFO_LAST] = skb;
    t.cold[at + C_OFO_COUNT] = 1;
    keep(t, sock, skb, sack);
  } else {
    const kept = insert(t, sock, skb, seq, end, sack);
    if (sack) sackNewOfo(t, sock, seq, end);
    if (kept) keep(t, sock, skb, sack);
  }
  rcvbufGrow(t, sock, t.hot[at + A_SPACE]!);
}

/** Grows the window and charges an skb that stays in the queue on its own. */
function keep(t: SocketTable, sock: number, skb: number, sack: boolean): void {
  const skbs = t.slab.skbs;
  const truesize = skbs[skb * SK_WORDS + SK_TRUESIZE]!;
  if (sack) growWindow(t, sock, skbs[skb * SK_WORDS + SK_LEN]!, truesize);
  t.hot[(sock << SOCK_SHIFT) + H_RMEM]! += truesize;
}

/** Finds an skb's place in a tree that is not empty; false if it was merged or dropped. */
function insert(
  t: SocketTable,
  sock: number,
  skb: number,
  seq: number,
  end: number,
  sack: boolean,
): boolean {
  const at = sock << SOCK_SHIFT;
  const { cold, ofo } = t;
  const skbs = t.slab.skbs;
  const last = cold[at + C_OFO_LAST]!;
  if (ofoCoalesce(t, sock, last, skb, sack)) return false;
  // In the common case the segment goes behind the last one: no walk.
  if (!before(seq, skbs[last * SK_WORDS + SK_END_SEQ]!)) {
    cold[at + C_OFO_ROOT] = ofo.link(cold[at + C_OFO_ROOT]!, skb, last, true);
    cold[at + C_OFO_COUNT]!++;
    cold[at + C_OFO_LAST] = skb;
    return true;
  }
  let parent = -1;
  let right = false;
  let node = cold[at + C_OFO_ROOT]!;
  while (node >= 0) {
    const n = node * SK_WORDS;
    const nodeEnd = skbs[n + SK_END_SEQ]!;
    parent = node;
    right = !before(seq, skbs[n + SK_SEQ]!);
    if (!right) {
      node = ofo.left(node);
      continue;
    }
    if (before(seq, nodeEnd)) {
      if (!after(end, nodeEnd)) {
        merged(t, skb);
        dsackSet(t, sock, seq, end);
        return false;
      }
      if (seq === skbs[n + SK_SEQ]!) {
        replace(t, sock, node, skb, nodeEnd);
        return true;
      }
      dsackSet(t, sock, seq, nodeEnd);
    } else if (ofoCoalesce(t, sock, node, skb, sack)) {
      // Maybe over others: tcp_data_queue_ofo does not look, and nor does this.
      skbs[n + SK_FLAGS]! |= SKF_GREW;
      return false;
    }
    node = ofo.right(node);
  }
  cold[at + C_OFO_ROOT] = ofo.link(cold[at + C_OFO_ROOT]!, skb, parent, right);
  cold[at + C_OFO_COUNT]!++;
  mergeRight(t, sock, skb, end);
  return true;
}

/** The new segment starts where a node starts and is longer: it takes the node's place. */
function replace(t: SocketTable, sock: number, node: number, skb: number, nodeEnd: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  t.cold[at + C_OFO_ROOT] = t.ofo.replace(t.cold[at + C_OFO_ROOT]!, node, skb);
  dsackExtend(t, sock, skbs[node * SK_WORDS + SK_SEQ]!, nodeEnd);
  t.hot[at + H_RMEM]! -= skbs[node * SK_WORDS + SK_TRUESIZE]!;
  merged(t, node);
  mergeRight(t, sock, skb, skbs[skb * SK_WORDS + SK_END_SEQ]!);
}

/** Removes the followers that the new segment covers. */
function mergeRight(t: SocketTable, sock: number, skb: number, end: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  for (;;) {
    const node = t.ofo.next(skb);
    if (node < 0) {
      t.cold[at + C_OFO_LAST] = skb;
      return;
    }
    const n = node * SK_WORDS;
    if (!after(end, skbs[n + SK_SEQ]!)) return;
    if (before(end, skbs[n + SK_END_SEQ]!)) {
      dsackExtend(t, sock, skbs[n + SK_SEQ]!, end);
      return;
    }
    dsackExtend(t, sock, skbs[n + SK_SEQ]!, skbs[n + SK_END_SEQ]!);
    unlinkOfo(t, sock, node);
    merged(t, node);
  }
}

function merged(t: SocketTable, skb: number): void {
  t.mib[OFO_MERGE]!++;
  dropSkb(t, skb, DROP_OFOMERGE);
}

/**
 * tcp_ooo_try_coalesce: as for the receive queue, and the segments add up. Of a merged skb only the
 * payload counts for the window's growth.
 */
function ofoCoalesce(
  t: SocketTable,
  sock: number,
  to: number,
  from: number,
  sack: boolean,
): boolean {
  const skbs = t.slab.skbs;
  const segments = Math.max(skbs[from * SK_WORDS + SK_GSO_SEGS]!, 1);
  const len = skbs[from * SK_WORDS + SK_LEN]!;
  if (!tryCoalesce(t, sock, to, from)) return false;
  const k = to * SK_WORDS + SK_GSO_SEGS;
  skbs[k] = Math.min(Math.max(skbs[k]!, 1) + segments, 0xffff);
  if (sack) growWindow(t, sock, len, len);
  return true;
}

/**
 * tcp_ofo_queue: moves to the receive queue what rcv_nxt has reached. True if a FIN was among it;
 * the caller then ends the stream.
 */
export function drainOfo(t: SocketTable, sock: number): boolean {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  let dsackHigh = t.hot[at + H_RCV_NXT]!;
  for (;;) {
    const skb = t.ofo.first(t.cold[at + C_OFO_ROOT]!);
    if (skb < 0) return false;
    const k = skb * SK_WORDS;
    const seq = skbs[k + SK_SEQ]!;
    const end = skbs[k + SK_END_SEQ]!;
    if (after(seq, t.hot[at + H_RCV_NXT]!)) return false;
    if (before(seq, dsackHigh)) {
      const high = dsackHigh;
      if (before(end, dsackHigh)) dsackHigh = end;
      dsackExtend(t, sock, seq, high);
    }
    unlinkOfo(t, sock, skb);
    if (!after(end, t.hot[at + H_RCV_NXT]!)) {
      dropSkb(t, skb, DROP_OFO);
      continue;
    }
    const fin = (skbs[k + SK_FLAGS]! & TCP_FIN) !== 0;
    t.hot[at + H_RCV_NXT] = end;
    moveToQueue(t, sock, skb);
    if (fin) return true;
  }
}

function moveToQueue(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const k = skb * SK_WORDS;
  if ((t.hot[at + A_QUICK]! & (ACK_EARLY << 16)) !== 0) settleEarlyAck(t, sock, skb);
  if (t.slab.skbs[k + SK_LEN] === 0) {
    t.slab.free(skb);
    return;
  }
  stampReadable(t, skb);
  t.hot[at + H_RMEM]! += t.slab.skbs[k + SK_TRUESIZE]!;
  queueRcv(t, sock, skb);
}
