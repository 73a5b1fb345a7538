import {
  SK_FLAGS,
  SK_GSO_SIZE,
  SK_HEAD_TRUESIZE,
  SK_LEN,
  SK_TRUESIZE,
  SK_WORDS,
  SKF_LINEAR,
  TCP_FIN,
  TCP_PSH,
  TCP_SYN,
  TCP_URG,
} from "../skb/skb-slab.js";
import { before } from "../wire/seq.js";
import { settleEarlyAck } from "./early-ack.js";
import { ACK_COMPRESSED } from "./mib.js";
import {
  A_ATO,
  A_LAST_SEG,
  A_LRCV,
  A_MSS,
  A_QUICK,
  A_RATIO,
  A_RCV_WND,
  A_RTT,
  A_RTT_SEQ,
  A_SPACE,
  ACK_EARLY,
  ACK_PUSHED,
  ACK_PUSHED2,
  ACK_SCHED,
  C_COMPRESSED,
  C_PINGPONG,
  F_OWN,
  F_TS_OK,
  H_CLAMP,
  H_FLAGS,
  H_RCV_NXT,
  H_RCVBUF,
  H_RMEM,
  H_SSTHRESH,
  SOCK_SHIFT,
  type SocketTable,
  W_RTT_NS,
  WIDE,
} from "./socket-table.js";
import { fitCaptureBuffer, MIN_RCVBUF_BYTES, winFromSpace } from "./space.js";

/**
 * What a receiver remembers for the ACKs it sends (ACK.md sections 3, 4, 5.1, 8 and 9.1): rcv_mss,
 * quick-ack credit, ato, round trip, rcv_ssthresh. Times are milliseconds of the model clock.
 */

/** TCP_ATO_MIN and the delayed ACK's least delay, ms. */
export const ATO_MIN_MS = 40;
/** RTO of a receiver that never sampled one, ms. */
export const RTO_MS = 1000;
/** TCP_MAX_QUICKACKS. */
export const MAX_QUICKACKS = 16;
/** Least rcv_mss (TCP_MIN_MSS), and the least that needs no second segment to be believed. */
const MIN_MSS = 88;
const MIN_RCVMSS = 536;
/** Payload that is too short for a second opinion on rcv_mss whatever its header. */
const TINY_BYTES = MIN_MSS + 20 - 32;
const BOTH_PUSHED = (ACK_PUSHED | ACK_PUSHED2) << 16;

/** tcp_event_data_recv for data that was just queued in order and charged; `now` in ms. */
export function eventDataRecv(t: SocketTable, sock: number, skb: number, now: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const len = skbs[k + SK_LEN]!;
  const gso = skbs[k + SK_GSO_SIZE]!;
  const word = hot[at + A_QUICK]! | (ACK_SCHED << 16);
  hot[at + A_QUICK] = word;
  if ((word & (ACK_EARLY << 16)) !== 0) settleEarlyAck(t, sock, skb);
  const size = gso > 0 ? gso : len;
  // A full segment without PSH, or one of a row of tiny ones, changes nothing.
  const dull =
    size === hot[at + A_MSS]!
      ? (skbs[k + SK_FLAGS]! & TCP_PSH) === 0
      : size < TINY_BYTES && size < hot[at + A_MSS]! && (word & BOTH_PUSHED) === BOTH_PUSHED;
  if (!dull) measureRcvMss(t, sock, skb);
  if (!before(hot[at + H_RCV_NXT]!, hot[at + A_RTT_SEQ]!) || hot[at + A_RTT_SEQ] === 0) {
    measureRtt(t, sock);
  }
  const ato = hot[at + A_ATO]!;
  if (ato === 0) {
    incrQuick(t, sock, MAX_QUICKACKS);
    hot[at + A_ATO] = ATO_MIN_MS;
  } else {
    const gap = (now - hot[at + A_LRCV]!) | 0;
    if (gap <= ATO_MIN_MS >> 1) hot[at + A_ATO] = (ato >> 1) + (ATO_MIN_MS >> 1);
    else if (gap < ato) hot[at + A_ATO] = Math.min((ato >> 1) + gap, RTO_MS);
    else if (gap > RTO_MS) incrQuick(t, sock, MAX_QUICKACKS);
  }
  hot[at + A_LRCV] = now;
  if (len >= 128) {
    // The overhead of a head that holds no payload does not count (truesize_adjust).
    const truesize = skbs[k + SK_TRUESIZE]!;
    const head = (skbs[k + SK_FLAGS]! & SKF_LINEAR) === 0 ? skbs[k + SK_HEAD_TRUESIZE]! : 0;
    growWindow(t, sock, len, truesize - head < len ? truesize : truesize - head);
  }
}

/** inet_csk_schedule_ack, with further ACK_ flags if wanted. */
export function scheduleAck(t: SocketTable, sock: number, flags: number): void {
  t.hot[(sock << SOCK_SHIFT) + A_QUICK]! |= (ACK_SCHED | flags) << 16;
}

/** tcp_incr_quickack. */
export function incrQuick(t: SocketTable, sock: number, max: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const word = hot[at + A_QUICK]!;
  const room = Math.floor(hot[at + A_RCV_WND]! / (2 * hot[at + A_MSS]!));
  const quick = Math.min(room === 0 ? 2 : room, max);
  if (quick > (word & 0xffff)) hot[at + A_QUICK] = (word & ~0xffff) | quick;
}

/** tcp_enter_quickack_mode. */
export function enterQuickAck(t: SocketTable, sock: number, max: number): void {
  const at = sock << SOCK_SHIFT;
  incrQuick(t, sock, max);
  t.cold[at + C_PINGPONG] = 0;
  t.hot[at + A_ATO] = ATO_MIN_MS;
}

/** tcp_event_ack_sent: one unit of quick-ack credit, nothing scheduled, nothing compressed. */
export function ackSent(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const word = t.hot[at + A_QUICK]!;
  let quick = word & 0xffff;
  if (((word >>> 16) & ACK_SCHED) !== 0 && quick > 0 && --quick === 0) {
    t.hot[at + A_ATO] = ATO_MIN_MS;
  }
  t.hot[at + A_QUICK] = (word & (ACK_EARLY << 16)) | quick;
  const compressed = t.cold[at + C_COMPRESSED]!;
  if (compressed > 0) {
    t.mib[ACK_COMPRESSED]! += compressed;
    t.cold[at + C_COMPRESSED] = 0;
  }
}

/** tcp_measure_rcv_mss. */
export function measureRcvMss(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const k = skb * SK_WORDS;
  const skbs = t.slab.skbs;
  const gso = skbs[k + SK_GSO_SIZE]!;
  const flags = skbs[k + SK_FLAGS]!;
  const len = gso > 0 ? gso : skbs[k + SK_LEN]!;
  const mss = hot[at + A_MSS]!;
  if (len >= mss) {
    if (len !== mss) {
      const ratio = Math.floor((skbs[k + SK_LEN]! * 256) / skbs[k + SK_TRUESIZE]!);
      setScalingRatio(t, sock, Math.min(Math.max(ratio, 1), 255));
    }
    hot[at + A_MSS] = Math.min(len, hot[at + A_RATIO]! >>> 16);
    if ((flags & TCP_PSH) !== 0) hot[at + A_QUICK]! |= ACK_PUSHED << 16;
    return;
  }
  const header = (hot[at + H_FLAGS]! & F_TS_OK) !== 0 ? 32 : 20;
  const plain = (flags & (TCP_FIN | TCP_URG | TCP_SYN | TCP_PSH)) === 0;
  const whole = len + header;
  if (whole >= MIN_RCVMSS + 20 || (whole >= MIN_MSS + 20 && plain)) {
    if (len === hot[at + A_LAST_SEG]!) {
      hot[at + A_MSS] = len;
      return;
    }
    hot[at + A_LAST_SEG] = len;
  }
  const word = hot[at + A_QUICK]!;
  const second = ((word >>> 16) & ACK_PUSHED) !== 0 ? ACK_PUSHED2 : 0;
  hot[at + A_QUICK] = word | ((ACK_PUSHED | second) << 16);
}

function setScalingRatio(t: SocketTable, sock: number, ratio: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  if (ratio === (hot[at + A_RATIO]! & 255)) return;
  hot[at + A_RATIO] = (hot[at + A_RATIO]! & ~255) | ratio;
  if ((hot[at + H_FLAGS]! & F_OWN) === 0) fitCaptureBuffer(t, sock);
  const old = hot[at + H_CLAMP]!;
  const clamp = Math.max(winFromSpace(ratio, hot[at + H_RCVBUF]!), MIN_RCVBUF_BYTES >> 1);
  hot[at + H_CLAMP] = clamp;
  if (clamp < old) hot[at + H_SSTHRESH] = Math.min(hot[at + H_SSTHRESH]!, clamp);
  else {
    const offered = Math.min(hot[at + A_RCV_WND]!, clamp);
    hot[at + H_SSTHRESH] = Math.max(offered, hot[at + H_SSTHRESH]!);
  }
  hot[at + A_SPACE] = Math.min(hot[at + A_SPACE]!, clamp);
}

/** tcp_rcv_rtt_measure: a sample each time a whole window has gone by. */
function measureRtt(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const wideAt = sock * WIDE + W_RTT_NS;
  if (hot[at + A_RTT_SEQ] !== 0) {
    const sampleUs = Math.max(Math.floor((t.clock.nowNs - t.wide[wideAt]!) / 1000), 1);
    const known = hot[at + A_RTT]!;
    const scaled = Math.min(sampleUs * 8, 2147483647);
    if (known === 0 || scaled < known) hot[at + A_RTT] = scaled;
  }
  const ahead = (hot[at + H_RCV_NXT]! + hot[at + A_RCV_WND]!) | 0;
  hot[at + A_RTT_SEQ] = ahead === 0 ? 1 : ahead;
  t.wide[wideAt] = t.clock.nowNs;
}

/**
 * tcp_grow_window: raises rcv_ssthresh as far as the truesize that `len` bytes of payload cost
 * allows.
 */
export function growWindow(t: SocketTable, sock: number, len: number, truesize: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const ratioWord = hot[at + A_RATIO]!;
  const ratio = ratioWord & 255;
  const spare = hot[at + H_RCVBUF]! - hot[at + H_RMEM]!;
  const free = spare > 0 ? winFromSpace(ratio, spare) : 0;
  const room = Math.min(hot[at + H_CLAMP]!, free) - hot[at + H_SSTHRESH]!;
  if (room <= 0) return;
  let incr = 0;
  if (winFromSpace(ratio, truesize) <= len) incr = 2 * (ratioWord >>> 16);
  else {
    let a = winFromSpace(ratio, truesize) >> 1;
    let b = winFromSpace(ratio, t.profile.rmemMaxBytes) >> 1;
    while (hot[at + H_SSTHRESH]! <= b && incr === 0) {
      if (a <= len) incr = 2 * hot[at + A_MSS]!;
      a >>= 1;
      b >>= 1;
    }
  }
  if (incr === 0) return;
  hot[at + H_SSTHRESH]! += Math.min(room, Math.max(incr, 2 * len));
  hot[at + A_QUICK]! |= 1;
}
