import {
  FR_NETMEM,
  FR_WORDS,
  MAX_SKB_FRAGS,
  SK_ACK,
  SK_END_SEQ,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_HEAD,
  SK_HEAD_TRUESIZE,
  SK_LEN,
  SK_NR_FRAGS,
  SK_SEQ,
  SK_TRUESIZE,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_CLONED,
  SKF_FRAG_LIST,
  SKF_PP_RECYCLE,
  SKF_UNREADABLE,
  TCP_FIN,
} from "../skb/skb-slab.js";
import { RCV_COALESCE } from "./mib.js";
import { H_RMEM, SOCK_SHIFT, type SocketTable } from "./socket-table.js";

/**
 * tcp_try_coalesce and skb_try_coalesce: hangs the frags of `from` onto `to`, if `from` goes on
 * where `to` ends, both or neither are unreadable and recycled, neither has a frag list or a clone
 * (1effe8ca4e34), and the frags fit. Frag references move. On true `from` is freed and the truesize
 * that moved is charged; what `from` was charged itself before is the caller's to give back.
 */
export function tryCoalesce(t: SocketTable, sock: number, to: number, from: number): boolean {
  const slab = t.slab;
  const skbs = slab.skbs;
  const a = to * SK_WORDS;
  const b = from * SK_WORDS;
  if (skbs[b + SK_SEQ] !== skbs[a + SK_END_SEQ]) return false;
  const toFlags = skbs[a + SK_FLAGS]!;
  const fromFlags = skbs[b + SK_FLAGS]!;
  if (((toFlags ^ fromFlags) & (SKF_UNREADABLE | SKF_PP_RECYCLE)) !== 0) return false;
  if (((toFlags | fromFlags) & (SKF_FRAG_LIST | SKF_CLONED)) !== 0) return false;
  if (skbs[a + SK_NR_FRAGS]! + skbs[b + SK_NR_FRAGS]! > MAX_SKB_FRAGS) return false;
  const moved = skbs[b + SK_TRUESIZE]! - overheadOf(t, b);
  const delta = Math.max(moved, 0);
  slab.joinFrags(to, from);
  skbs[a + SK_LEN]! += skbs[b + SK_LEN]!;
  skbs[a + SK_END_SEQ] = skbs[b + SK_END_SEQ]!;
  skbs[a + SK_ACK] = skbs[b + SK_ACK]!;
  skbs[a + SK_FLAGS] = toFlags | (fromFlags & TCP_FIN);
  skbs[a + SK_TRUESIZE]! += delta;
  t.hot[(sock << SOCK_SHIFT) + H_RMEM]! += delta;
  t.mib[RCV_COALESCE]!++;
  slab.free(from);
  return true;
}

/**
 * Truesize that does not move: the struct and head of an skb whose payload lies in frags, only the
 * struct where the head holds payload and is stolen with it.
 */
function overheadOf(t: SocketTable, at: number): number {
  const skbs = t.slab.skbs;
  const frag = skbs[at + SK_FRAG_HEAD]!;
  const head = skbs[at + SK_HEAD]!;
  if (head >= 0 && frag >= 0 && t.slab.frags[frag * FR_WORDS + FR_NETMEM] === head) {
    return SKB_OVERHEAD_BYTES;
  }
  return skbs[at + SK_HEAD_TRUESIZE]!;
}
