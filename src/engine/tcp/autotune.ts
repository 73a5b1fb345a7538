import { SK_END_SEQ, SK_WORDS } from "../skb/skb-slab.js";
import {
  A_RATIO,
  A_RTT,
  A_SPACE,
  A_SPACE_SEQ,
  C_OFO_LAST,
  F_FIN,
  F_OWN,
  H_CLAMP,
  H_COPIED,
  H_FLAGS,
  H_RCV_NXT,
  H_RCVBUF,
  SOCK_SHIFT,
  type SocketTable,
  W_SPACE_NS,
  WIDE,
} from "./socket-table.js";
import { spaceFromWin, winFromSpace } from "./space.js";

/**
 * Receive buffer auto-tuning (tcp_rcv_space_adjust, tcp_rcvbuf_grow in net/ipv4/tcp_input.c): once
 * a round trip the buffer is sized for twice of what the reader took meanwhile, and more.
 */

/** net.ipv4.tcp_rcvbuf_low_rtt, us. */
const LOW_RTT_US = 1000;

/** tcp_rcv_space_adjust: after a read that moved copied_seq. */
export function rcvSpaceAdjust(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const rttUs = hot[at + A_RTT]! >> 3;
  if (rttUs === 0) return;
  const wideAt = sock * WIDE + W_SPACE_NS;
  if (t.clock.nowNs - t.wide[wideAt]! < rttUs * 1000) return;
  const copied = hot[at + H_COPIED]!;
  const fin = (hot[at + H_FLAGS]! & F_FIN) !== 0 ? 1 : 0;
  const unread = (hot[at + H_RCV_NXT]! - copied - fin) | 0;
  const taken = ((copied - hot[at + A_SPACE_SEQ]!) | 0) - unread;
  if (taken > hot[at + A_SPACE]!) rcvbufGrow(t, sock, taken);
  hot[at + A_SPACE_SEQ] = copied;
  t.wide[wideAt] = t.clock.nowNs;
}

/**
 * tcp_rcvbuf_grow: `newval` bytes were taken in one round trip. A locked buffer (SO_RCVBUF) and one
 * that follows the capture only remember it.
 */
export function rcvbufGrow(t: SocketTable, sock: number, newval: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const oldval = hot[at + A_SPACE]!;
  hot[at + A_SPACE] = newval;
  if (typeof t.policy === "number" || (hot[at + H_FLAGS]! & F_OWN) === 0) return;
  let rcvwin = newval * 2;
  const rttUs = hot[at + A_RTT]! >> 3;
  if (t.profile.rcvbufLowRtt && rttUs < LOW_RTT_US) {
    rcvwin += Math.floor((rcvwin * rttUs) / LOW_RTT_US);
  } else if (oldval > 0) rcvwin += Math.floor((2 * rcvwin * (newval - oldval)) / oldval);
  const last = t.cold[at + C_OFO_LAST]!;
  if (last >= 0) {
    rcvwin += (t.slab.skbs[last * SK_WORDS + SK_END_SEQ]! - hot[at + H_RCV_NXT]!) | 0;
  }
  const ratio = hot[at + A_RATIO]! & 255;
  const target = Math.min(spaceFromWin(ratio, rcvwin), t.profile.rmemMaxBytes);
  if (target <= hot[at + H_RCVBUF]!) return;
  hot[at + H_RCVBUF] = target;
  hot[at + H_CLAMP] = winFromSpace(ratio, target);
}
