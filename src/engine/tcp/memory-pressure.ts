import { InvariantViolation } from "../ledger/invariant.js";
import {
  FR_NETMEM,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_LEN,
  SK_NEXT,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_UNREADABLE,
} from "../skb/skb-slab.js";
import { after } from "../wire/seq.js";
import { DROP_OFO_PRUNE, OFO_PRUNED, PRUNE_CALLED, RCV_COLLAPSED, RCV_PRUNED } from "./mib.js";
import { unlinkOfo } from "./ofo-purge.js";
import { dropSkb } from "./receive-queue.js";
import { sackReset } from "./sack.js";
import {
  A_QUICK,
  A_RATIO,
  C_COLLAPSED,
  C_OFO_LAST,
  C_OFO_ROOT,
  C_PUT_OFF,
  F_PRED,
  H_CLAMP,
  H_FLAGS,
  H_HEAD,
  H_RCVBUF,
  H_RMEM,
  H_SSTHRESH,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/**
 * What happens when a socket's receive memory is full (tcp_try_rmem_schedule, tcp_prune_queue,
 * tcp_collapse, tcp_prune_ofo_queue in net/ipv4/tcp_input.c):
 *
 *      admit? -> clamp the window -> collapse -> prune the out-of-order queue -> refuse
 */

/** Payload that one page holds when tcp_collapse copies into it, and what that page is charged. */
const COLLAPSED_PAYLOAD = 3776;
const COLLAPSED_TRUESIZE = 4096 + SKB_OVERHEAD_BYTES;

/** Queues charged with no more than this are collapsed whenever the kernel would. */
export const COLLAPSE_FREE_BYTES = 262_144;
/** Larger ones at the latest after so many segments that found no room. */
export const COLLAPSE_PUT_OFFS = 64;

/** tcp_can_ingest by the rule of the kernel profile. */
export function canIngest(t: SocketTable, sock: number, skb: number): boolean {
  const at = sock << SOCK_SHIFT;
  const k = skb * SK_WORDS;
  const rule = t.profile.canIngest;
  const more = rule === "loose" ? 0 : t.slab.skbs[k + (rule === "len" ? SK_LEN : SK_TRUESIZE)]!;
  return t.hot[at + H_RMEM]! + more <= t.hot[at + H_RCVBUF]!;
}

/** tcp_try_rmem_schedule: true if the skb may be charged, after pruning if need be. */
export function tryRmemSchedule(t: SocketTable, sock: number, skb: number): boolean {
  return canIngest(t, sock, skb) || prune(t, sock, skb);
}

/** tcp_prune_queue. */
function prune(t: SocketTable, sock: number, skb: number): boolean {
  const at = sock << SOCK_SHIFT;
  if (t.hot[at + H_RMEM] === 0) return false;
  t.mib[PRUNE_CALLED]!++;
  clampWindow(t, sock);
  if (canIngest(t, sock, skb)) return true;
  if (mayCollapse(t, at)) {
    collapseQueues(t, sock);
    if (canIngest(t, sock, skb)) return true;
  }
  pruneOfo(t, sock, skb);
  if (canIngest(t, sock, skb)) return true;
  t.mib[RCV_PRUNED]!++;
  t.hot[at + H_FLAGS]! &= ~F_PRED;
  return false;
}

/**
 * Whether the queues are walked now. Those of a sender that fills a large buffer with tiny segments
 * are long, and each further segment would have them walked for nothing (CVE-2018-5390): it takes
 * a sixty-fourth of the buffer in new charges, or as many segments.
 */
function mayCollapse(t: SocketTable, at: number): boolean {
  const rmem = t.hot[at + H_RMEM]!;
  if (rmem <= COLLAPSE_FREE_BYTES) return true;
  const charged = rmem - t.cold[at + C_COLLAPSED]!;
  return charged >= t.hot[at + H_RCVBUF]! >> 6 || ++t.cold[at + C_PUT_OFF]! >= COLLAPSE_PUT_OFFS;
}

/** tcp_collapse_ofo_queue, then tcp_collapse of the receive queue. */
function collapseQueues(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  for (let node = t.ofo.first(t.cold[at + C_OFO_ROOT]!); node >= 0; node = t.ofo.next(node)) {
    collapse(t, sock, node);
  }
  const skbs = t.slab.skbs;
  for (let node = t.hot[at + H_HEAD]!; node >= 0; node = skbs[node * SK_WORDS + SK_NEXT]!) {
    collapse(t, sock, node);
  }
  t.cold[at + C_COLLAPSED] = t.hot[at + H_RMEM]!;
  t.cold[at + C_PUT_OFF] = 0;
}

/** tcp_clamp_window: overcommits up to tcp_rmem[2] before anything is dropped. */
function clampWindow(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  const hot = t.hot;
  hot[at + A_QUICK]! &= ~0xffff;
  const rmem = hot[at + H_RMEM]!;
  if (typeof t.policy !== "number" && hot[at + H_RCVBUF]! < t.profile.rmemMaxBytes) {
    const raised = Math.min(rmem, t.profile.rmemMaxBytes);
    if (raised > hot[at + H_RCVBUF]!) hot[at + H_RCVBUF] = raised;
  }
  if (rmem > hot[at + H_RCVBUF]!) {
    const advmss = hot[at + A_RATIO]! >>> 16;
    hot[at + H_SSTHRESH] = Math.min(hot[at + H_CLAMP]!, 2 * advmss);
  }
}

/**
 * tcp_collapse, as far as memory goes: payload that can be read is worth what full pages of copies
 * would be charged. Unreadable payload stays as it is (invariant 41). The bytes stay in their
 * netmems, since an application must still find them there.
 */
function collapse(t: SocketTable, sock: number, skb: number): void {
  const k = skb * SK_WORDS;
  const skbs = t.slab.skbs;
  const unreadable = (skbs[k + SK_FLAGS]! & SKF_UNREADABLE) !== 0;
  if (unreadable && t.profile.regress !== "F40") return;
  if (unreadable) {
    const netmem = t.slab.frags[skbs[k + SK_FRAG_HEAD]! * FR_WORDS + FR_NETMEM]!;
    const message = "tcp_collapse copied payload that no CPU can read";
    throw new InvariantViolation(41, message, netmem);
  }
  const copied = Math.ceil((skbs[k + SK_LEN]! * COLLAPSED_TRUESIZE) / COLLAPSED_PAYLOAD);
  const saved = skbs[k + SK_TRUESIZE]! - copied;
  if (saved <= 0) return;
  skbs[k + SK_TRUESIZE] = copied;
  t.hot[(sock << SOCK_SHIFT) + H_RMEM]! -= saved;
  t.mib[RCV_COLLAPSED]!++;
}

/**
 * tcp_prune_ofo_queue: from the highest sequence number down, in steps of an eighth of the buffer,
 * never what lies before the segment that just came.
 */
function pruneOfo(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const skbs = t.slab.skbs;
  let goal = t.hot[at + H_RCVBUF]! >> 3;
  let pruned = false;
  for (;;) {
    const node = t.cold[at + C_OFO_LAST]!;
    if (node < 0 || after(skbs[skb * SK_WORDS + SK_SEQ]!, skbs[node * SK_WORDS + SK_SEQ]!)) break;
    pruned = true;
    goal -= skbs[node * SK_WORDS + SK_TRUESIZE]!;
    unlinkOfo(t, sock, node);
    dropSkb(t, node, DROP_OFO_PRUNE);
    if (goal > 0 && t.cold[at + C_OFO_LAST]! >= 0) continue;
    if (canIngest(t, sock, skb)) break;
    goal = t.hot[at + H_RCVBUF]! >> 3;
  }
  if (!pruned) return;
  t.mib[OFO_PRUNED]!++;
  sackReset(t, sock);
}
