import { before } from "../wire/seq.js";
import { ackSent } from "./ack-state.js";
import { noteEarlyAck } from "./early-ack.js";
import { FROM_ZERO_WINDOW, TO_ZERO_WINDOW, WANT_ZERO_WINDOW } from "./mib.js";
import {
  A_MSS,
  A_MWND,
  A_QUICK,
  A_RATIO,
  A_RCV_WND,
  A_SPACE,
  A_SPACE_SEQ,
  ACK_NOMEM,
  C_MAX_WND,
  C_SYN_MSS,
  C_SYN_SCALE,
  F_INIT,
  F_OWN,
  F_SYN,
  F_TS_OK,
  F_V6,
  H_CLAMP,
  H_EDGE,
  H_FLAGS,
  H_RCV_NXT,
  H_RCV_WUP,
  H_RCVBUF,
  H_RMEM,
  H_SSTHRESH,
  RMEM_DEFAULT_BYTES,
  SOCK_SHIFT,
  type SocketTable,
  W_SPACE_NS,
  WIDE,
} from "./socket-table.js";
import { fitCaptureBuffer, MIN_RCVBUF_BYTES, winFromSpace } from "./space.js";

/**
 * The receive window: the model's own choice (tcp_select_initial_window, tcp_select_window,
 * __tcp_select_window in net/ipv4/tcp_output.c), or what the capture's receiver advertised.
 *
 *      rcv_wup            rcv_nxt                     rcv_wup + rcv_wnd
 *      |-- not yet acked --|------- may still come ------|
 */

/** net.core.rmem_max. */
const RMEM_MAX_BYTES = 4194304;
/** TCP_DEFAULT scaling ratio: half of the space is window (1 << 7). */
const DEFAULT_RATIO = 128;

/**
 * Window, buffer and ACK state of a socket whose rcv_nxt was just set, as of a child that was
 * accepted (tcp_select_initial_window, tcp_init_buffer_space). Called again while no data has come
 * when the receiver's own SYN turns up and tells its MSS.
 */
export function initWindow(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const own = (sock ^ 1) << SOCK_SHIFT;
  const { hot, cold } = t;
  const flags = hot[at + H_FLAGS]!;
  const locked = typeof t.policy === "number";
  const rcvbuf = locked ? Math.max(2 * (t.policy as number), MIN_RCVBUF_BYTES) : RMEM_DEFAULT_BYTES;
  const route = (flags & F_V6) === 0 ? 1460 : 1440;
  const told = cold[own + C_SYN_MSS]!;
  const advmss = (told > 0 ? Math.min(told, 65535) : route) - ((flags & F_TS_OK) !== 0 ? 12 : 0);
  const full = winFromSpace(DEFAULT_RATIO, rcvbuf);
  const top = locked ? full : 1073725440;
  let space = Math.min(top, full);
  if (space > advmss) space -= space % advmss;
  const most = Math.min(Math.max(space, t.profile.rmemMaxBytes, RMEM_MAX_BYTES), top);
  const unscaled = (hot[at + H_FLAGS]! & F_SYN) !== 0 && cold[at + C_SYN_SCALE]! < 0;
  const scale = unscaled ? 0 : Math.min(Math.max(31 - Math.clz32(most) - 15, 0), 14);
  let clamp = Math.min(65535 * 2 ** scale, top);
  if (clamp >= full) clamp = Math.max(full, Math.min(full, 4 * advmss));
  if (clamp > 2 * advmss && clamp + advmss > full) clamp = Math.max(2 * advmss, full - advmss);
  hot[at + H_RCVBUF] = rcvbuf;
  hot[at + A_RCV_WND] = space;
  hot[at + H_CLAMP] = clamp;
  hot[at + H_SSTHRESH] = Math.min(space, clamp);
  hot[at + A_RATIO] = DEFAULT_RATIO | (scale << 8) | (advmss << 16);
  hot[at + A_MSS] = Math.max(Math.min(advmss, 536, space >> 1), 88);
  hot[at + A_SPACE] = Math.min(hot[at + H_SSTHRESH]!, space, 10 * advmss);
  hot[at + A_SPACE_SEQ] = hot[at + H_RCV_NXT]!;
  hot[at + H_RCV_WUP] = hot[at + H_RCV_NXT]!;
  hot[at + H_EDGE] = (hot[at + H_RCV_NXT]! + space) | 0;
  hot[at + A_MWND] = hot[at + H_EDGE]!;
  t.wide[sock * WIDE + W_SPACE_NS] = t.clock.nowNs;
}

/**
 * What the capture's receiver of `sock` said in one of its packets: that it had received up to
 * `ack`, and `wnd`, its window in bytes, or -1 where the scale is unknown. An ACK of bytes that
 * have not come yet waits for them (early-ack.ts): it never moves rcv_wup beyond rcv_nxt.
 */
export function captureAck(t: SocketTable, sock: number, ack: number, wnd: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const flags = hot[at + H_FLAGS]!;
  if ((flags & F_INIT) === 0) return;
  const ahead = (ack - hot[at + H_RCV_NXT]!) | 0;
  if (ahead > 0) noteEarlyAck(t, sock, ack);
  if (t.policy !== "capture" || wnd < 0) return;
  const edge = (ack + wnd) | 0;
  if ((flags & F_OWN) !== 0) {
    hot[at + H_FLAGS] = flags & ~F_OWN;
    hot[at + H_EDGE] = edge;
  } else if (before(hot[at + H_EDGE]!, edge)) hot[at + H_EDGE] = edge;
  if (before(hot[at + A_MWND]!, edge)) hot[at + A_MWND] = edge;
  hot[at + A_RCV_WND] = wnd;
  if (ahead > 0) hot[at + H_RCV_WUP] = hot[at + H_RCV_NXT]!;
  else if (before(hot[at + H_RCV_WUP]!, ack)) hot[at + H_RCV_WUP] = ack;
  if (wnd > cold[at + C_MAX_WND]!) {
    cold[at + C_MAX_WND] = wnd;
    fitCaptureBuffer(t, sock);
  }
  ackSent(t, sock);
}

/** __tcp_select_window: the window that would be offered now. Zeroes `quick` when space is low. */
export function offerWindow(t: SocketTable, sock: number): number {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const ratioWord = hot[at + A_RATIO]!;
  const ratio = ratioWord & 255;
  const scale = (ratioWord >>> 8) & 255;
  const spare = hot[at + H_RCVBUF]! - hot[at + H_RMEM]!;
  let free = spare > 0 ? winFromSpace(ratio, spare) : 0;
  const allowed = winFromSpace(ratio, hot[at + H_RCVBUF]!);
  const full = Math.min(hot[at + H_CLAMP]!, allowed);
  const mss = Math.min(hot[at + A_MSS]!, full);
  if (mss <= 0) return 0;
  if (free < full >> 1) {
    hot[at + A_QUICK] = hot[at + A_QUICK]! & ~0xffff;
    free = (free >>> scale) << scale;
    if (free < allowed >> 4 || free < mss) return 0;
  }
  free = Math.min(free, hot[at + H_SSTHRESH]!);
  if (scale !== 0) return Math.ceil(free / 2 ** scale) * 2 ** scale;
  const wnd = hot[at + A_RCV_WND]!;
  if (wnd <= free - mss || wnd > free) return free - (free % mss);
  if (mss === full && free > wnd + (full >> 1)) return free;
  return wnd;
}

/** An ACK leaves the model's own receiver (tcp_select_window): rcv_wup and rcv_wnd move. */
export function sendAck(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const old = hot[at + A_RCV_WND]!;
  const scale = (hot[at + A_RATIO]! >>> 8) & 255;
  const rcvNxt = hot[at + H_RCV_NXT]!;
  let offer = 0;
  if (((hot[at + A_QUICK]! >>> 16) & ACK_NOMEM) === 0) {
    offer = offerWindow(t, sock);
    const remaining = Math.max((hot[at + H_RCV_WUP]! + old - rcvNxt) | 0, 0);
    if (offer < remaining) {
      if (offer === 0) t.mib[WANT_ZERO_WINDOW]!++;
      offer = Math.ceil(remaining / 2 ** scale) * 2 ** scale;
    }
  }
  if (offer === 0 && old !== 0) t.mib[TO_ZERO_WINDOW]!++;
  else if (offer !== 0 && old === 0) t.mib[FROM_ZERO_WINDOW]!++;
  hot[at + A_RCV_WND] = offer;
  hot[at + H_RCV_WUP] = rcvNxt;
  hot[at + H_EDGE] = (rcvNxt + offer) | 0;
  if (before(hot[at + A_MWND]!, hot[at + H_EDGE]!)) hot[at + A_MWND] = hot[at + H_EDGE]!;
  ackSent(t, sock);
}
