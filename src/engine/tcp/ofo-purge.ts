import { SK_TRUESIZE, SK_WORDS } from "../skb/skb-slab.js";
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

/** tcp_purge_ofo: frees the whole queue. */
export function purgeOfo(t: SocketTable, sock: number): void {
  const at = sock << SOCK_SHIFT;
  for (;;) {
    const skb = t.ofo.first(t.cold[at + C_OFO_ROOT]!);
    if (skb < 0) return;
    unlinkOfo(t, sock, skb);
    t.slab.free(skb);
  }
}
