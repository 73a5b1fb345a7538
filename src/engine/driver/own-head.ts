import {
  SK_ACK,
  SK_DADDR,
  SK_END_SEQ,
  SK_FLAGS,
  SK_GSO_SEGS,
  SK_GSO_SIZE,
  SK_HASH,
  SK_HEAD_TRUESIZE,
  SK_L3,
  SK_L4,
  SK_LEN,
  SK_PORTS,
  SK_QUEUE,
  SK_SADDR,
  SK_SEQ,
  SK_TRUESIZE,
  SK_TSECR,
  SK_TSVAL,
  SK_WINDOW,
  SK_WORDS,
  SKB_OVERHEAD_BYTES,
  SKF_IPV6,
  SKF_PP_RECYCLE,
  SKF_TSTAMP,
  type SkbSlab,
  TCP_FIN,
  TCP_PSH,
} from "../skb/skb-slab.js";
import type { Frame } from "../wire/frame.js";

/** What an skb's words say beside the frame that it comes from; one object, filled each time. */
export class HeadFacts {
  queue = 0;
  hash = 0;
  /** Added to a header's place in the read window, it gives its place in the head. */
  shift = 0;
  /** Truesize of the head beside struct sk_buff. */
  headTruesize = 0;
  /** Payload bytes `[from, from + len)` are this skb's. */
  from = 0;
  len = 0;
  /** SKF_ bits that checksums call for. */
  checksumFlags = 0;
}

/** Fills an skb's words from the parsed frame (napi_build_skb, skb_put and the IP header's). */
export function describeSkb(slab: SkbSlab, skb: number, frame: Frame, of: HeadFacts): void {
  const { skbs } = slab;
  const at = skb * SK_WORDS;
  const truesize = SKB_OVERHEAD_BYTES + of.headTruesize;
  // FIN and PSH belong to the last part of a superpacket.
  const last = of.from + of.len >= frame.payloadLen;
  let flags = last ? frame.flags : frame.flags & ~(TCP_FIN | TCP_PSH);
  flags |= SKF_PP_RECYCLE | of.checksumFlags | (frame.version === 6 ? SKF_IPV6 : 0);
  if (frame.hasTimestamps) {
    flags |= SKF_TSTAMP;
    skbs[at + SK_TSVAL] = frame.tsval;
    skbs[at + SK_TSECR] = frame.tsecr;
  }
  skbs[at + SK_FLAGS] = flags;
  skbs[at + SK_HEAD_TRUESIZE] = truesize;
  skbs[at + SK_TRUESIZE] = truesize;
  skbs[at + SK_SEQ] = (frame.seq + of.from) | 0;
  skbs[at + SK_END_SEQ] = (frame.seq + of.from + of.len) | 0;
  skbs[at + SK_LEN] = of.len;
  skbs[at + SK_ACK] = frame.ack;
  skbs[at + SK_WINDOW] = frame.window;
  skbs[at + SK_SADDR] = frame.saddr;
  skbs[at + SK_DADDR] = frame.daddr;
  skbs[at + SK_PORTS] = frame.ports;
  skbs[at + SK_L3] = frame.l3 + of.shift;
  skbs[at + SK_L4] = frame.l4 + of.shift;
  skbs[at + SK_QUEUE] = of.queue;
  skbs[at + SK_HASH] = of.hash;
  skbs[at + SK_GSO_SIZE] = 0;
  skbs[at + SK_GSO_SEGS] = 1;
}
