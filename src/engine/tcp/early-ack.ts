import {
  FR_ARRIVAL_NS,
  FR_LEN,
  FR_NEXT,
  FR_TIMES,
  FR_WORDS,
  SK_FRAG_HEAD,
  SK_SEQ,
  SK_WORDS,
} from "../skb/skb-slab.js";
import { after, before, earlierOf, laterOf } from "../wire/seq.js";
import { CAPTURE_ACK_BEFORE_DATA } from "./mib.js";
import {
  A_QUICK,
  ACK_EARLY,
  C_ARTEFACTS,
  C_EARLY_ACK,
  F_OWN,
  H_FLAGS,
  H_RCV_NXT,
  H_RCV_WUP,
  SOCK_SHIFT,
  type SocketTable,
  W_EARLY_NS,
  WIDE,
} from "./socket-table.js";

/**
 * ACKs of bytes that the model has not queued yet. GRO holds data to the end of a poll and lets
 * pure ACKs of the other direction pass, and the directions have queues of their own: that alone is
 * no fault of the capture. It is one if the data arrived after its ACK had been handed up already.
 *
 *      rcv_nxt       C_EARLY_ACK            waits until rcv_nxt gets there
 *      |-- in GRO ----|                     FR_ARRIVAL_NS > W_EARLY_NS: the capture's order
 *
 * A pure ACK has no arrival time of its own, so that the count is a lower bound.
 */

/** Remembers that the capture's receiver acknowledged up to `ack`, which lies beyond rcv_nxt. */
export function noteEarlyAck(t: SocketTable, sock: number, ack: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold } = t;
  const waits = ((hot[at + A_QUICK]! >>> 16) & ACK_EARLY) !== 0;
  if (waits && !after(ack, cold[at + C_EARLY_ACK]!)) return;
  hot[at + A_QUICK]! |= ACK_EARLY << 16;
  cold[at + C_EARLY_ACK] = ack;
  t.wide[sock * WIDE + W_EARLY_NS] = t.clock.nowNs;
}

/** The skb, which may lack payload, moved rcv_nxt while an early ACK waits (ACK_EARLY is set). */
export function settleEarlyAck(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const { hot, cold, wide } = t;
  const { skbs, frags, fragTimes } = t.slab;
  const ack = cold[at + C_EARLY_ACK]!;
  const notedNs = wide[sock * WIDE + W_EARLY_NS]!;
  let seq = skbs[skb * SK_WORDS + SK_SEQ]!;
  let frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
  while (frag >= 0 && before(seq, ack)) {
    if (fragTimes[frag * FR_TIMES + FR_ARRIVAL_NS]! > notedNs) {
      t.artefacts[CAPTURE_ACK_BEFORE_DATA]!++;
      cold[at + C_ARTEFACTS]!++;
      // Once an ACK, however many skbs it covers.
      wide[sock * WIDE + W_EARLY_NS] = Number.POSITIVE_INFINITY;
      break;
    }
    seq = (seq + frags[frag * FR_WORDS + FR_LEN]!) | 0;
    frag = frags[frag * FR_WORDS + FR_NEXT]!;
  }
  const rcvNxt = hot[at + H_RCV_NXT]!;
  if ((hot[at + H_FLAGS]! & F_OWN) === 0) {
    hot[at + H_RCV_WUP] = laterOf(hot[at + H_RCV_WUP]!, earlierOf(rcvNxt, ack));
  }
  if (!before(rcvNxt, ack)) hot[at + A_QUICK]! &= ~(ACK_EARLY << 16);
}
