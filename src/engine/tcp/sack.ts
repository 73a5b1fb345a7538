import { after, before } from "../wire/seq.js";
import { DSACK_OFO, DSACK_OLD } from "./mib.js";
import {
  C_COMPRESSED,
  C_DSACK,
  C_DSACK_END,
  C_DSACK_START,
  C_NUM_SACKS,
  C_OFO_ROOT,
  C_SACKS,
  F_OWN,
  F_SACK_PERM,
  F_SYN,
  H_FLAGS,
  H_RCV_NXT,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";
import { sendAck } from "./window.js";

/**
 * selective_acks[]: what a receiver would tell about its out-of-order queue (tcp_sack_new_ofo_skb
 * and its helpers in net/ipv4/tcp_input.c).
 *
 *      C_SACKS   [start end][start end][start end][start end]    C_NUM_SACKS of them, newest first
 *      C_DSACK   1: a duplicate is waiting to be told
 */

/** TCP_NUM_SACKS. */
export const NUM_SACKS = 4;
/** TCP_SACK_BLOCKS_EXPECTED. */
const BLOCKS_EXPECTED = 2;

/** Whether the connection does SACK; where a SYN is missing from the capture, assumed so. */
export function sackOk(t: SocketTable, sock: number): boolean {
  const peer = t.hot[(sock << SOCK_SHIFT) + H_FLAGS]!;
  const own = t.hot[((sock ^ 1) << SOCK_SHIFT) + H_FLAGS]!;
  return (peer & (F_SYN | F_SACK_PERM)) !== F_SYN && (own & (F_SYN | F_SACK_PERM)) !== F_SYN;
}

/** tcp_sack_new_ofo_skb: notes the out-of-order range from `seq` to `end`. */
export function sackNewOfo(t: SocketTable, sock: number, seq: number, end: number): void {
  const at = sock << SOCK_SHIFT;
  const cold = t.cold;
  const blocks = at + C_SACKS;
  let count = cold[at + C_NUM_SACKS]!;
  for (let i = 0; i < count; i++) {
    if (!extend(cold, blocks + i * 2, seq, end)) continue;
    if (i >= BLOCKS_EXPECTED) flushCompressed(t, sock);
    const start = cold[blocks + i * 2]!;
    const stop = cold[blocks + i * 2 + 1]!;
    cold.copyWithin(blocks + 2, blocks, blocks + i * 2);
    cold[blocks] = start;
    cold[blocks + 1] = stop;
    mergeNeighbours(cold, at);
    return;
  }
  if (count >= BLOCKS_EXPECTED) flushCompressed(t, sock);
  if (count === NUM_SACKS) count--;
  cold.copyWithin(blocks + 2, blocks, blocks + count * 2);
  cold[blocks] = seq;
  cold[blocks + 1] = end;
  cold[at + C_NUM_SACKS] = count + 1;
}

/** tcp_sack_remove: drops the blocks that rcv_nxt has passed. */
export function sackRemove(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const cold = t.cold;
  if (cold[at + C_OFO_ROOT]! < 0) {
    cold[at + C_NUM_SACKS] = 0;
    return;
  }
  const rcvNxt = t.hot[at + H_RCV_NXT]!;
  for (let i = 0; i < cold[at + C_NUM_SACKS]!; ) {
    if (before(rcvNxt, cold[at + C_SACKS + i * 2]!)) i++;
    else zap(cold, at, i);
  }
}

/** tcp_sack_reset: no blocks, no duplicate. */
export function sackReset(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  t.cold[at + C_NUM_SACKS] = 0;
  t.cold[at + C_DSACK] = 0;
}

/** The highest sequence number behind a SACK block, or `none` when there is no block. */
export function highestSack(t: SocketTable, sock: number, none: number): number {
  const at = sock << SOCK_SHIFT;
  const cold = t.cold;
  const count = cold[at + C_NUM_SACKS]!;
  if (count === 0) return none;
  let most = cold[at + C_SACKS + 1]!;
  for (let i = 1; i < count; i++) {
    if (after(cold[at + C_SACKS + i * 2 + 1]!, most)) most = cold[at + C_SACKS + i * 2 + 1]!;
  }
  return most;
}

/** tcp_dsack_set. */
export function dsackSet(t: SocketTable, sock: number, seq: number, end: number): void {
  if (!sackOk(t, sock)) return;
  const at = sock << SOCK_SHIFT;
  t.mib[before(seq, t.hot[at + H_RCV_NXT]!) ? DSACK_OLD : DSACK_OFO]!++;
  t.cold[at + C_DSACK] = 1;
  t.cold[at + C_DSACK_START] = seq;
  t.cold[at + C_DSACK_END] = end;
}

/** tcp_dsack_extend. */
export function dsackExtend(t: SocketTable, sock: number, seq: number, end: number): void {
  const at = sock << SOCK_SHIFT;
  if (t.cold[at + C_DSACK] === 0) dsackSet(t, sock, seq, end);
  else extend(t.cold, at + C_DSACK_START, seq, end);
}

/** tcp_sack_extend: true if the pair at `block` and the range touch; the pair then covers both. */
function extend(cold: Int32Array, block: number, seq: number, end: number): boolean {
  const start = cold[block]!;
  const stop = cold[block + 1]!;
  if (after(seq, stop) || after(start, end)) return false;
  if (before(seq, start)) cold[block] = seq;
  if (after(end, stop)) cold[block + 1] = end;
  return true;
}

/** tcp_sack_maybe_coalesce: merges what touches the newest block now. */
function mergeNeighbours(cold: Int32Array, at: number): void {
  for (let i = 1; i < cold[at + C_NUM_SACKS]!; ) {
    const block = at + C_SACKS + i * 2;
    if (extend(cold, at + C_SACKS, cold[block]!, cold[block + 1]!)) zap(cold, at, i);
    else i++;
  }
}

function zap(cold: Int32Array, at: number, i: number): void {
  const blocks = at + C_SACKS;
  const count = cold[at + C_NUM_SACKS]!;
  cold.copyWithin(blocks + i * 2, blocks + i * 2 + 2, blocks + count * 2);
  cold[at + C_NUM_SACKS] = count - 1;
}

/** tcp_sack_compress_send_ack: what compression held back goes out before the list changes. */
function flushCompressed(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  if (t.cold[at + C_COMPRESSED]! > 0 && (t.hot[at + H_FLAGS]! & F_OWN) !== 0) sendAck(t, sock);
}
