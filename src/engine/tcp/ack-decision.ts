import { ATO_MIN_MS, RTO_MS } from "./ack-state.js";
import { DELAYED_ACKS } from "./mib.js";
import { sackOk } from "./sack.js";
import {
  A_ATO,
  A_DELACK,
  A_MSS,
  A_QUICK,
  A_RCV_WND,
  ACK_NOW,
  ACK_PUSHED,
  ACK_PUSHED2,
  ACK_SCHED,
  ACK_TIMER,
  C_COMPRESSED,
  C_COMPRESSED_NXT,
  C_DUP_ACKS,
  C_OFO_ROOT,
  C_PINGPONG,
  F_FIN,
  H_CLAMP,
  H_COPIED,
  H_FLAGS,
  H_RCV_NXT,
  H_RCV_WUP,
  H_RMEM,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";
import { receiveWindow } from "./space.js";
import { offerWindow, sendAck } from "./window.js";

/**
 * When the model's own receiver would send an ACK (ACK.md 5.2, 5.3 and 13), which is when its
 * window moves. Only for sockets whose window is not the capture's. The delayed ACK's timer is
 * looked at when something else happens on the socket.
 */

/** net.ipv4.tcp_comp_sack_nr and the number of duplicates answered before compression starts. */
const COMP_SACK_NR = 44;
const DUP_ACKS_UNCOMPRESSED = 3;
/** TCP_DELACK_MAX and the cap while the peer is not interactive, ms. */
const DELACK_MAX_MS = 200;

/** __tcp_ack_snd_check: `ofoPossible` on the slow path; `now` in ms. */
export function ackSndCheck(t: SocketTable, sock: number, ofoPossible: boolean, now: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  if (((hot[at + A_QUICK]! >>> 16) & ACK_SCHED) === 0) return;
  const unacked = (hot[at + H_RCV_NXT]! - hot[at + H_RCV_WUP]!) | 0;
  const idle = hot[at + H_RCV_NXT] === hot[at + H_COPIED];
  const second =
    unacked > hot[at + A_MSS]! && (idle || offerWindow(t, sock) >= hot[at + A_RCV_WND]!);
  const word = hot[at + A_QUICK]!;
  const quick = (word & 0xffff) > 0 && cold[at + C_PINGPONG]! < 1;
  if (second || quick || ((word >>> 16) & ACK_NOW) !== 0) sendAck(t, sock);
  else if (!ofoPossible || cold[at + C_OFO_ROOT]! < 0) delayAck(t, sock, now);
  else if (!sackOk(t, sock) || cold[at + C_COMPRESSED]! >= COMP_SACK_NR) sendAck(t, sock);
  else {
    if (cold[at + C_COMPRESSED_NXT] !== hot[at + H_RCV_NXT]) {
      cold[at + C_COMPRESSED_NXT] = hot[at + H_RCV_NXT]!;
      cold[at + C_DUP_ACKS] = 0;
    }
    if (cold[at + C_DUP_ACKS]! < DUP_ACKS_UNCOMPRESSED) {
      cold[at + C_DUP_ACKS]!++;
      sendAck(t, sock);
    } else cold[at + C_COMPRESSED]!++;
  }
}

/** tcp_send_delayed_ack. */
function delayAck(t: SocketTable, sock: number, now: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const ato = hot[at + A_ATO]!;
  const flags = hot[at + A_QUICK]! >>> 16;
  const expiry = (now + Math.min(ato, DELACK_MAX_MS)) | 0;
  if ((flags & ACK_TIMER) !== 0) {
    const left = (hot[at + A_DELACK]! - now) | 0;
    if (left <= ato >> 2) sendAck(t, sock);
    else if (((expiry - hot[at + A_DELACK]!) | 0) < 0) hot[at + A_DELACK] = expiry;
    return;
  }
  hot[at + A_QUICK]! |= ACK_TIMER << 16;
  hot[at + A_DELACK] = expiry;
}

/** tcp_delack_timer_handler, if its time has come. */
export function fireDelayedAck(t: SocketTable, sock: number, now: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const flags = hot[at + A_QUICK]! >>> 16;
  if ((flags & ACK_TIMER) === 0 || ((now - hot[at + A_DELACK]!) | 0) < 0) return;
  if ((flags & ACK_SCHED) === 0) return;
  if (cold[at + C_PINGPONG] === 0) hot[at + A_ATO] = Math.min(hot[at + A_ATO]! * 2, RTO_MS);
  else {
    cold[at + C_PINGPONG] = 0;
    hot[at + A_ATO] = ATO_MIN_MS;
  }
  t.mib[DELAYED_ACKS]!++;
  sendAck(t, sock);
}

/** tcp_cleanup_rbuf after `copied` bytes were read: an ACK that waits, or a window that doubled. */
export function cleanupRbuf(t: SocketTable, sock: number, copied: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const flags = hot[at + A_QUICK]! >>> 16;
  if ((flags & ACK_SCHED) !== 0) {
    const unacked = (hot[at + H_RCV_NXT]! - hot[at + H_RCV_WUP]!) | 0;
    const pushed =
      (flags & ACK_PUSHED2) !== 0 || ((flags & ACK_PUSHED) !== 0 && cold[at + C_PINGPONG] === 0);
    if (unacked > hot[at + A_MSS]! || (copied > 0 && hot[at + H_RMEM] === 0 && pushed)) {
      sendAck(t, sock);
      return;
    }
  }
  if (copied <= 0 || (hot[at + H_FLAGS]! & F_FIN) !== 0) return;
  const wnd = receiveWindow(t, sock);
  if (2 * wnd > hot[at + H_CLAMP]!) return;
  const offer = offerWindow(t, sock);
  if (offer !== 0 && offer >= 2 * wnd) sendAck(t, sock);
}
