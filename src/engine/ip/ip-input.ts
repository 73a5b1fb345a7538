import type { Arena } from "../memory/arena.js";
import type { Counters } from "../probe/counters.js";
import { dropIndex } from "../probe/drop-reasons.js";
import {
  FR_ADDR,
  FR_LEN,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_L3,
  SK_WORDS,
  SKF_BAD_CSUM,
  SKF_BAD_IP_CSUM,
  SKF_IPV6,
  type SkbSlab,
} from "../skb/skb-slab.js";
import { FRAME_BAD, FRAME_FRAGMENT, FRAME_OTHER_IP } from "../wire/frame.js";
import {
  isHandledProtocol,
  OPTIONS_TAKEN,
  OPTIONS_UNKNOWN,
  walkHeaders,
} from "../wire/ip-options.js";
import type { Defrag } from "./defrag.js";

const IP_INHDR = dropIndex("IP_INHDR");
const IP_CSUM = dropIndex("IP_CSUM");
const TCP_CSUM = dropIndex("TCP_CSUM");
const IP_NOPROTO = dropIndex("IP_NOPROTO");
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
  readonly #view: DataView;
  readonly #drops: Counters;
  readonly #tcp: TcpInput;
  readonly #defrag: Defrag;

  constructor(deps: {
    slab: SkbSlab;
    arena: Arena;
    drops: Counters;
    tcp: TcpInput;
    defrag: Defrag;
  }) {
    this.#slab = deps.slab;
    this.#view = deps.arena.view;
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
      if (kind === FRAME_BAD) this.#drop(skb, this.#whyBad(skb));
      else this.#drop(skb, kind === FRAME_OTHER_IP ? this.#whyNotTcp(skb) : UNHANDLED_PROTO);
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

  /** ip_protocol_deliver_rcu, ip6_protocol_deliver_rcu: a handler without a socket, or none. */
  #whyNotTcp(skb: number): number {
    const l3 = this.#slab.skbs[skb * SK_WORDS + SK_L3]! >>> 0;
    const left = this.#left(skb, l3);
    const protocol = left < 20 ? -1 : walkHeaders(this.#view, l3, l3 + left).protocol;
    return protocol < 0 || isHandledProtocol(protocol) ? NO_SOCKET : IP_NOPROTO;
  }

  /**
   * What is wrong with a frame that the NIC's parser gave up (ip_rcv_core, ip6_rcv_core): IP_INHDR
   * where the header is not whole, or its version, lengths or options make no sense,
   * UNHANDLED_PROTO for an IPv6 option that must be known (ip6_tlvopt_unknown), PKT_TOO_SMALL where
   * bytes are missing behind it, up to the TCP header.
   */
  #whyBad(skb: number): number {
    const { skbs } = this.#slab;
    const at = skb * SK_WORDS;
    const l3 = skbs[at + SK_L3]! >>> 0;
    const left = this.#left(skb, l3);
    if (left < 0) return PKT_TOO_SMALL;
    if (left < 20) return IP_INHDR;
    const first = this.#view.getInt32(l3);
    const version = first >>> 28;
    const headerBytes = ((first >>> 24) & 15) << 2;
    const total = first & 0xffff;
    if (version === 4) {
      const lies = total !== 0 && total < headerBytes;
      if (headerBytes < 20 || left < headerBytes || lies) return IP_INHDR;
    } else if (version !== 6 || left < 40) return IP_INHDR;
    // The parser did not take it for IPv6: the EtherType says something else.
    else if ((skbs[at + SK_FLAGS]! & SKF_IPV6) === 0) return IP_INHDR;
    const { verdict } = walkHeaders(this.#view, l3, l3 + left);
    if (verdict === OPTIONS_TAKEN) return PKT_TOO_SMALL;
    return verdict === OPTIONS_UNKNOWN ? UNHANDLED_PROTO : IP_INHDR;
  }

  /** Bytes of the first frag from `l3` on; -1 where the network header lies elsewhere. */
  #left(skb: number, l3: number): number {
    const { skbs, frags } = this.#slab;
    const frag = skbs[skb * SK_WORDS + SK_FRAG_HEAD]! * FR_WORDS;
    if (frag < 0) return -1;
    const start = frags[frag + FR_ADDR]! >>> 0;
    return l3 < start ? -1 : start + frags[frag + FR_LEN]! - l3;
  }

  #drop(skb: number, reason: number): void {
    this.#drops.values[reason]!++;
    this.#slab.free(skb);
  }
}
