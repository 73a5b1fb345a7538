import type { Counters } from "../probe/counters.js";
import { dropIndex } from "../probe/drop-reasons.js";
import {
  SK_FLAGS,
  SK_WORDS,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_BAD, FRAME_FRAGMENT, FRAME_OTHER_IP } from "../wire/frame.js";
import type { Defrag } from "./defrag.js";

const IP_CSUM = dropIndex("IP_CSUM");
const TCP_CSUM = dropIndex("TCP_CSUM");
const NO_SOCKET = dropIndex("NO_SOCKET");
const UNHANDLED_PROTO = dropIndex("UNHANDLED_PROTO");
const PKT_TOO_SMALL = dropIndex("PKT_TOO_SMALL");

/** Where TCP segments go: tcp_v4_rcv and tcp_v6_rcv. */
export interface TcpInput {
  receive(skb: number): void;
}

/**
 * The network layer (ip_rcv, ip6_rcv): drops what is no TCP under its reason, joins fragments,
 * applies the checksum policy, and hands segments to TCP.
 */
export class IpInput {
  readonly #slab: SkbSlab;
  readonly #drops: Counters;
  readonly #tcp: TcpInput;
  readonly #defrag: Defrag;

  constructor(deps: {
    slab: SkbSlab;
    drops: Counters;
    tcp: TcpInput;
    defrag: Defrag;
  }) {
    this.#slab = deps.slab;
    this.#drops = deps.drops;
    this.#tcp = deps.tcp;
    this.#defrag = deps.defrag;
  }

  /** A whole TCP segment, after GRO. Bad checksums are marked only where they are verified. */
  receive(skb: number): void {
    const flags = this.#slab.skbs[skb * SK_WORDS + SK_FLAGS]!;
    if ((flags & (SKF_BAD_CSUM | SKF_BAD_IP_CSUM)) !== 0) {
      this.#drop(skb, (flags & SKF_BAD_IP_CSUM) !== 0 ? IP_CSUM : TCP_CSUM);
      return;
    }
    this.#tcp.receive(skb);
  }

  /** Anything else; `kind` is a FRAME_ constant. */
  receiveOther(skb: number, kind: number): void {
    if (kind !== FRAME_FRAGMENT) {
      const reason =
        kind === FRAME_OTHER_IP ? NO_SOCKET : kind === FRAME_BAD ? PKT_TOO_SMALL : UNHANDLED_PROTO;
      this.#drop(skb, reason);
      return;
    }
    const flags = this.#slab.skbs[skb * SK_WORDS + SK_FLAGS]!;
    if ((flags & SKF_BAD_IP_CSUM) !== 0) {
      this.#drop(skb, IP_CSUM);
      return;
    }
    const whole = this.#defrag.add(skb);
    if (whole >= 0) this.receive(whole);
  }

  #drop(skb: number, reason: number): void {
    this.#drops.values[reason]!++;
    this.#slab.free(skb);
  }
}
