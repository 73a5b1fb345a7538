import {
  SK_END_SEQ,
  SK_FLAGS,
  SK_LEN,
  SK_QUEUE,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  TCP_FIN,
} from "../skb/skb-slab.js";
import { after, before } from "../wire/seq.js";
import { enterQuickAck, eventDataRecv, MAX_QUICKACKS, scheduleAck } from "./ack-state.js";
import { settleEarlyAck } from "./early-ack.js";
import { tryRmemSchedule } from "./memory-pressure.js";
import {
  BEYOND_WINDOW,
  DELAYED_ACK_LOST,
  DROP_OLD_DATA,
  DROP_OVERWINDOW,
  DROP_PROTO_MEM,
  DROP_ZEROWINDOW,
  RCVQ_DROP,
  ZERO_WINDOW_DROP,
} from "./mib.js";
import { purgeOfo } from "./ofo-purge.js";
import { drainOfo, queueOfo } from "./ofo-queue.js";
import { dropSkb, queueRcv, stampReadable, tellReader } from "./receive-queue.js";
import { dsackSet, sackRemove, sackReset } from "./sack.js";
import {
  A_QUICK,
  ACK_EARLY,
  ACK_NOMEM,
  ACK_NOW,
  C_DSACK,
  C_NUM_SACKS,
  C_OFO_ROOT,
  C_PINGPONG,
  F_CLOSED,
  F_DATA,
  F_FIN,
  F_INIT,
  F_PRED,
  F_RST,
  H_FLAGS,
  H_HEAD,
  H_RCV_NXT,
  H_RMEM,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";
import { receiveWindow } from "./space.js";

/**
 * tcp_data_queue (net/ipv4/tcp_input.c): where an acceptable segment goes.
 *
 *      end <= rcv_nxt            old data, dropped
 *      seq <= rcv_nxt < end      receive queue (the reader skips what it has), then the ofo queue
 *      rcv_nxt < seq < edge      ofo queue
 *      edge <= seq               over the window, dropped
 *
 * With `--rcvbuf capture` no window drops anything here: the sender had permission, or its data
 * comes before the ACK that gave it (validate.ts counts that).
 */

/** Queues or drops a segment with payload or a FIN; `now` in ms. */
export function dataQueue(t: SocketTable, sock: number, skb: number, now: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const seq = skbs[k + SK_SEQ]!;
  const end = skbs[k + SK_END_SEQ]!;
  const rcvNxt = t.hot[at + H_RCV_NXT]!;
  t.cold[at + C_DSACK] = 0;
  if (!after(end, rcvNxt)) {
    t.mib[DELAYED_ACK_LOST]!++;
    dsackSet(t, sock, seq, end);
    refuse(t, sock, skb, DROP_OLD_DATA);
    return;
  }
  if (t.policy !== "capture" && refusedByWindow(t, sock, skb, seq, rcvNxt)) return;
  if (after(seq, rcvNxt)) {
    queueOfo(t, sock, skb);
    return;
  }
  if (seq !== rcvNxt) dsackSet(t, sock, seq, rcvNxt);
  queueInOrder(t, sock, skb, now);
}

/** The window tests of tcp_data_queue; true if the segment was dropped. */
function refusedByWindow(
  t: SocketTable,
  sock: number,
  skb: number,
  seq: number,
  rcvNxt: number,
): boolean {
  const window = receiveWindow(t, sock);
  if (window === 0 && !after(seq, rcvNxt)) {
    if (seq !== rcvNxt) dsackSet(t, sock, seq, rcvNxt);
    else if (t.slab.skbs[skb * SK_WORDS + SK_LEN] === 0) return false;
    t.mib[ZERO_WINDOW_DROP]!++;
    refuse(t, sock, skb, DROP_ZEROWINDOW);
    return true;
  }
  if (before(seq, (rcvNxt + window) | 0) || seq === rcvNxt) return false;
  if (t.profile.mwndSeq) t.mib[BEYOND_WINDOW]!++;
  refuse(t, sock, skb, DROP_OVERWINDOW);
  return true;
}

/** out_of_window: an ACK at once, and the segment is gone. */
function refuse(t: SocketTable, sock: number, skb: number, reason: number): void {
  enterQuickAck(t, sock, MAX_QUICKACKS);
  scheduleAck(t, sock, 0);
  dropSkb(t, skb, reason);
}

/** The segment at rcv_nxt, and all that waited for it. */
function queueInOrder(t: SocketTable, sock: number, skb: number, now: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const queue = skbs[k + SK_QUEUE]!;
  if (!tryRmemSchedule(t, sock, skb)) {
    scheduleAck(t, sock, ACK_NOMEM | ACK_NOW);
    tellReader(t, sock, queue);
    if (t.hot[at + H_HEAD]! >= 0 && skbs[k + SK_LEN]! > 0) {
      t.mib[RCVQ_DROP]!++;
      dropSkb(t, skb, DROP_PROTO_MEM);
      return;
    }
  }
  let ended = (skbs[k + SK_FLAGS]! & TCP_FIN) !== 0;
  t.hot[at + H_RCV_NXT] = skbs[k + SK_END_SEQ]!;
  if (skbs[k + SK_LEN] === 0) {
    if ((t.hot[at + A_QUICK]! & (ACK_EARLY << 16)) !== 0) settleEarlyAck(t, sock, skb);
    t.slab.free(skb);
  } else {
    t.hot[at + H_FLAGS]! |= F_DATA;
    stampReadable(t, skb);
    t.hot[at + H_RMEM]! += skbs[k + SK_TRUESIZE]!;
    // Before coalescing, which frees the skb.
    eventDataRecv(t, sock, skb, now);
    queueRcv(t, sock, skb);
  }
  if (ended) fin(t, sock);
  if (t.cold[at + C_OFO_ROOT]! >= 0) {
    ended = drainOfo(t, sock);
    if (ended) fin(t, sock);
    if (t.cold[at + C_OFO_ROOT]! < 0) scheduleAck(t, sock, ACK_NOW);
  }
  if (t.cold[at + C_NUM_SACKS]! > 0) sackRemove(t, sock);
  fastPathCheck(t, sock);
  tellReader(t, sock, queue);
}

/** tcp_fin: nothing more will come; what lies beyond the FIN is purged. */
export function fin(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  t.hot[at + H_FLAGS] = (t.hot[at + H_FLAGS]! | F_FIN) & ~F_PRED;
  scheduleAck(t, sock, 0);
  t.cold[at + C_PINGPONG] = 1;
  purgeOfo(t, sock);
  sackReset(t, sock);
}

/** tcp_fast_path_check: header prediction is on while nothing is out of order and nothing ended. */
export function fastPathCheck(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const flags = t.hot[at + H_FLAGS]!;
  const open = (flags & (F_INIT | F_FIN | F_RST | F_CLOSED)) === F_INIT;
  if (open && t.cold[at + C_OFO_ROOT]! < 0) t.hot[at + H_FLAGS] = flags | F_PRED;
}
