import { SK_TRUESIZE, SK_WORDS } from "../skb/skb-slab.js";
import { DROP_OFO_AT_CLOSE } from "./mib.js";
import { dropSkb } from "./receive-queue.js";
import {
  C_OFO_COUNT,
  C_OFO_LAST,
  C_OFO_ROOT,
  H_RMEM,
  SOCK_SHIFT,
  type SocketTable,
} from "./socket-table.js";

/** Takes a node out of the tree and gives its truesize back; the skb is the caller's then. */
export function unlinkOfo(t: SocketTable, sock: number, skb: number): void {
  const at = sock << SOCK_SHIFT;
  const cold = t.cold;
  if (cold[at + C_OFO_LAST] === skb) cold[at + C_OFO_LAST] = t.ofo.previous(skb);
  cold[at + C_OFO_ROOT] = t.ofo.erase(cold[at + C_OFO_ROOT]!, skb);
  cold[at + C_OFO_COUNT]!--;
  t.hot[at + H_RMEM]! -= t.slab.skbs[skb * SK_WORDS + SK_TRUESIZE]!;
}

/** Purges the whole queue at the end of a stream (skb_rbtree_purge), and accounts for it. */
export function purgeOfo(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  for (;;) {
    const skb = t.ofo.first(t.cold[at + C_OFO_ROOT]!);
    if (skb < 0) return;
    unlinkOfo(t, sock, skb);
    dropSkb(t, skb, DROP_OFO_AT_CLOSE);
  }
}
