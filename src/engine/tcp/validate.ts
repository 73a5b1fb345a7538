import {
  SK_END_SEQ,
  SK_FLAGS,
  SK_GSO_SEGS,
  SK_LEN,
  SK_QUEUE,
  SK_SEQ,
  SK_TSECR,
  SK_TSVAL,
  SK_WORDS,
  SKF_TSTAMP,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from "../skb/skb-slab.js";
import { after, before, earlierOf } from "../wire/seq.js";
import { enterQuickAck, MAX_QUICKACKS, scheduleAck } from "./ack-state.js";
import {
  ACK_SKIPPED_CHALLENGE,
  ACK_SKIPPED_PAWS,
  ACK_SKIPPED_SEQ,
  BEYOND_WINDOW,
  CAPTURE_BEYOND_WINDOW,
  CHALLENGE_ACK,
  DELAYED_ACK_LOST,
  DROP_INVALID_END_SEQUENCE,
  DROP_INVALID_SEQUENCE,
  DROP_INVALID_SYN,
  DROP_OLD_SEQUENCE,
  DROP_PAWS,
  DROP_PAWS_ACK,
  DROP_RESET,
  PAWS_ESTAB,
  PAWS_OLD_ACK,
  SYN_CHALLENGE,
} from "./mib.js";
import { dropSkb, tellReader } from "./receive-queue.js";
import { dsackSet, highestSack } from "./sack.js";
import {
  A_MWND,
  A_TSECR,
  A_TSVAL,
  ACK_NOW,
  C_ARTEFACTS,
  C_MAX_WND,
  C_OOW_MS,
  C_TS_STAMP,
  F_FIN,
  F_PRED,
  F_RST,
  F_TS_OK,
  F_TS_RECENT,
  H_EDGE,
  H_FLAGS,
  H_HEAD,
  H_RCV_NXT,
  H_RCV_WUP,
  H_TS_RECENT,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";
import { receiveWindow } from "./space.js";

/**
 * tcp_validate_incoming (net/ipv4/tcp_input.c): timestamp, sequence, RST, SYN, in that order. What
 * is refused is dropped and counted here.
 */

/** TCP_PAWS_WINDOW in ticks of the peer's clock, and TCP_PAWS_24DAYS in seconds. */
const PAWS_WINDOW = 1;
const PAWS_24DAYS = 2073600;
/** net.ipv4.tcp_invalid_ratelimit, ms. */
const OOW_LIMIT_MS = 500;
/** No window of a sane sender reaches further beyond the edge that the capture has shown. */
const CAPTURE_SLACK_BYTES = 16777216;

/** True if the segment may go on; else it has been dropped. `now` in ms. */
export function validateIncoming(t: SocketTable, sock: number, skb: number, now: number): boolean {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const flags = skbs[k + SK_FLAGS]!;
  if ((flags & TCP_RST) === 0 && pawsDiscard(t, sock, skb, now)) return false;
  const seq = skbs[k + SK_SEQ]!;
  const refusal = checkSequence(t, sock, skb);
  if (refusal >= 0) {
    if ((flags & TCP_RST) !== 0) {
      if (closingReset(t, at, seq)) takeReset(t, sock, skb);
      else dropSkb(t, skb, refusal);
    } else if ((flags & TCP_SYN) !== 0) challengeSyn(t, sock, skb, now);
    else refuseSequence(t, sock, skb, refusal, now);
    return false;
  }
  if ((flags & TCP_RST) !== 0) {
    const rcvNxt = t.hot[at + H_RCV_NXT]!;
    const exact = seq === rcvNxt || seq === highestSack(t, sock, rcvNxt);
    if (exact || closingReset(t, at, seq)) takeReset(t, sock, skb);
    else {
      challenge(t, sock, now);
      dropSkb(t, skb, DROP_RESET);
    }
    return false;
  }
  if ((flags & TCP_SYN) === 0) return true;
  challengeSyn(t, sock, skb, now);
  return false;
}

/** syn_challenge; `now` in ms. */
export function challengeSyn(t: SocketTable, sock: number, skb: number, now: number): void {
  t.mib[SYN_CHALLENGE]!++;
  challenge(t, sock, now);
  dropSkb(t, skb, DROP_INVALID_SYN);
}

/** tcp_send_challenge_ack: one a rate-limit period, the others are only counted. */
function challenge(t: SocketTable, sock: number, now: number): void {
  if (!rateLimited(t, sock, ACK_SKIPPED_CHALLENGE, now)) t.mib[CHALLENGE_ACK]!++;
}

/** tcp_replace_ts_recent: the value is kept if the segment covers the left edge of the last ACK. */
export function replaceTsRecent(t: SocketTable, sock: number, skb: number): void {
  const k = skb * SK_WORDS;
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const hot = t.hot;
  if ((skbs[k + SK_FLAGS]! & SKF_TSTAMP) === 0 || (hot[at + H_FLAGS]! & F_TS_OK) === 0) return;
  hot[at + A_TSVAL] = skbs[k + SK_TSVAL]!;
  hot[at + A_TSECR] = skbs[k + SK_TSECR]!;
  if (after(skbs[k + SK_SEQ]!, hot[at + H_RCV_WUP]!) || isOlder(t, at, skb, 0)) return;
  hot[at + H_TS_RECENT] = skbs[k + SK_TSVAL]!;
  hot[at + H_FLAGS]! |= F_TS_RECENT;
  t.cold[at + C_TS_STAMP] = t.nowSeconds();
}

/** tcp_paws_discard and what follows from it; true if the segment was dropped. */
function pawsDiscard(t: SocketTable, sock: number, skb: number, now: number): boolean {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const flags = skbs[k + SK_FLAGS]!;
  if ((flags & SKF_TSTAMP) === 0 || !isOlder(t, at, skb, PAWS_WINDOW)) return false;
  if ((flags & TCP_SYN) !== 0) {
    challengeSyn(t, sock, skb, now);
    return true;
  }
  const seq = skbs[k + SK_SEQ]!;
  const pure = seq === skbs[k + SK_END_SEQ];
  // A disordered pure ACK at rcv_nxt is tolerated; one below it is dropped without an answer.
  if (pure && seq === t.hot[at + H_RCV_NXT]) return false;
  if (pure && before(seq, t.hot[at + H_RCV_NXT]!)) {
    t.mib[PAWS_OLD_ACK]!++;
    dropSkb(t, skb, DROP_PAWS_ACK);
    return true;
  }
  t.mib[PAWS_ESTAB]!++;
  if (!oowLimited(t, sock, skb, ACK_SKIPPED_PAWS, now)) duplicateAck(t, sock, skb);
  dropSkb(t, skb, DROP_PAWS);
  return true;
}

/**
 * tcp_paws_check, the other way round: ts_recent is known, fresh, and more than `ticks` ahead of
 * the segment's timestamp. A ts_recent of 0 never is: some stacks send it in their SYN.
 */
function isOlder(t: SocketTable, at: number, skb: number, ticks: number): boolean {
  const flags = t.hot[at + H_FLAGS]!;
  if ((flags & (F_TS_OK | F_TS_RECENT)) !== (F_TS_OK | F_TS_RECENT)) return false;
  const value = t.slab.skbs[skb * SK_WORDS + SK_TSVAL]!;
  const recent = t.hot[at + H_TS_RECENT]!;
  if (recent === 0 || ((recent - value) | 0) <= ticks) return false;
  return ((t.nowSeconds() - t.cold[at + C_TS_STAMP]!) | 0) < PAWS_24DAYS;
}

/** tcp_sequence: -1, or the drop reason. */
function checkSequence(t: SocketTable, sock: number, skb: number): number {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const seq = skbs[k + SK_SEQ]!;
  const end = skbs[k + SK_END_SEQ]!;
  if (before(end, hot[at + H_RCV_WUP]!)) return DROP_OLD_SEQUENCE;
  const rcvNxt = hot[at + H_RCV_NXT]!;
  const current = (rcvNxt + receiveWindow(t, sock)) | 0;
  const limit =
    t.profile.mwndSeq && after(hot[at + A_MWND]!, current) ? hot[at + A_MWND]! : current;
  if (!after(end, limit)) return -1;
  if (t.policy === "capture") return checkCapture(t, sock, skb, limit);
  if (!t.profile.endSeqCheck) return after(seq, limit) ? DROP_INVALID_SEQUENCE : -1;
  const hasFin = (skbs[k + SK_FLAGS]! & TCP_FIN) !== 0 ? 1 : 0;
  if (t.profile.mwndSeq && !after((end - hasFin) | 0, limit)) return -1;
  if (after(seq, limit)) return DROP_INVALID_SEQUENCE;
  return hot[at + H_HEAD]! >= 0 ? DROP_INVALID_END_SEQUENCE : -1;
}

/** A segment beyond every window that the capture has shown so far: taken and counted. */
function checkCapture(t: SocketTable, sock: number, skb: number, limit: number): number {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const slack = Math.max(t.cold[at + C_MAX_WND]!, CAPTURE_SLACK_BYTES);
  if (after(skbs[k + SK_SEQ]!, (limit + slack) | 0)) return DROP_INVALID_SEQUENCE;
  if (skbs[k + SK_LEN]! > 0) {
    t.artefacts[CAPTURE_BEYOND_WINDOW]! += Math.max(skbs[k + SK_GSO_SEGS]!, 1);
    t.cold[at + C_ARTEFACTS]! += Math.max(skbs[k + SK_GSO_SEGS]!, 1);
    const end = skbs[k + SK_END_SEQ]!;
    // The sender had this much permission: later segments up to here are no news.
    if (after(end, t.hot[at + H_EDGE]!)) t.hot[at + H_EDGE] = end;
    if (after(end, t.hot[at + A_MWND]!)) t.hot[at + A_MWND] = end;
  }
  return -1;
}

/** A duplicate ACK answers, unless the rate limit says no. */
function refuseSequence(
  t: SocketTable,
  sock: number,
  skb: number,
  reason: number,
  now: number,
): void {
  if (reason !== DROP_OLD_SEQUENCE && t.profile.endSeqCheck) t.mib[BEYOND_WINDOW]!++;
  if (!oowLimited(t, sock, skb, ACK_SKIPPED_SEQ, now)) duplicateAck(t, sock, skb);
  dropSkb(t, skb, reason);
}

/** tcp_send_dupack, which ends in tcp_send_ack, as far as the receiver's state goes. */
function duplicateAck(t: SocketTable, sock: number, skb: number): void {
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  const rcvNxt = t.hot[(sock << SOCK_SHIFT) + H_RCV_NXT]!;
  const seq = skbs[k + SK_SEQ]!;
  const end = skbs[k + SK_END_SEQ]!;
  if (end !== seq && before(seq, rcvNxt)) {
    t.mib[DELAYED_ACK_LOST]!++;
    enterQuickAck(t, sock, MAX_QUICKACKS);
    dsackSet(t, sock, seq, earlierOf(end, rcvNxt));
  }
  scheduleAck(t, sock, ACK_NOW);
}

/** tcp_oow_rate_limited: only segments without data, or with SYN, are limited. */
function oowLimited(
  t: SocketTable,
  sock: number,
  skb: number,
  counter: number,
  now: number,
): boolean {
  const skbs = t.slab.skbs;
  const k = skb * SK_WORDS;
  if (skbs[k + SK_LEN]! > 0 && (skbs[k + SK_FLAGS]! & TCP_SYN) === 0) return false;
  return rateLimited(t, sock, counter, now);
}

/** __tcp_oow_rate_limited: one answer a period and socket, whatever it answers. */
function rateLimited(t: SocketTable, sock: number, counter: number, now: number): boolean {
  const at = sock << SOCK_SHIFT;
  const last = t.cold[at + C_OOW_MS]!;
  const elapsed = (now - last) | 0;
  if (last !== 0 && elapsed >= 0 && elapsed < OOW_LIMIT_MS) {
    t.mib[counter]!++;
    return true;
  }
  t.cold[at + C_OOW_MS] = now === 0 ? 1 : now;
  return false;
}

/** tcp_reset_check: one before rcv_nxt, once a FIN was received. */
function closingReset(t: SocketTable, at: number, seq: number): boolean {
  if ((t.hot[at + H_FLAGS]! & F_FIN) === 0) return false;
  return seq === ((t.hot[at + H_RCV_NXT]! - 1) | 0);
}

/** tcp_reset: nothing more is accepted; the receive queue stays readable. */
export function reset(t: SocketTable, sock: number, queue: number): void {
  const at = (sock << SOCK_SHIFT) + H_FLAGS;
  t.hot[at] = (t.hot[at]! | F_RST) & ~F_PRED;
  tellReader(t, sock, queue);
}

/** A valid RST does its work and is consumed, which is no drop. */
function takeReset(t: SocketTable, sock: number, skb: number): void {
  reset(t, sock, t.slab.skbs[skb * SK_WORDS + SK_QUEUE]!);
  t.slab.free(skb);
}
