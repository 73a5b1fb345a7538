import {
  A_RATIO,
  C_MAX_WND,
  H_EDGE,
  H_RCV_NXT,
  H_RCVBUF,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/**
 * Between window bytes and buffer bytes (include/net/tcp.h): win = space * scaling_ratio >> 8.
 */

/** SOCK_MIN_RCVBUF: two skbs of the least truesize. */
export const MIN_RCVBUF_BYTES = 2304;

/** tcp_win_from_space: window bytes that `space` bytes of truesize stand for. */
export function winFromSpace(ratio: number, space: number): number {
  return Math.floor((space * ratio) / 256);
}

/** tcp_space_from_win. */
export function spaceFromWin(ratio: number, win: number): number {
  return Math.floor((win * 256) / ratio);
}

/** tcp_receive_window: what the peer may still send. */
export function receiveWindow(t: SocketTable, sock: number): number {
  const at = sock << SOCK_SHIFT;
  const left = (t.hot[at + H_EDGE]! - t.hot[at + H_RCV_NXT]!) | 0;
  return Math.max(left, 0);
}

/**
 * sk_rcvbuf of a receiver that could advertise the capture's largest window: twice the window, or
 * more where this path's packets carry more overhead than that.
 */
export function fitCaptureBuffer(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const wnd = t.cold[at + C_MAX_WND]!;
  const ratio = t.hot[at + A_RATIO]! & 255;
  const fitting = Math.min(Math.max(2 * wnd, spaceFromWin(ratio, wnd)), 2147483647);
  if (fitting > t.hot[at + H_RCVBUF]!) t.hot[at + H_RCVBUF] = fitting;
}
