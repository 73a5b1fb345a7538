import { ethernet } from "../../../fixtures/frames.js";
import { Defrag } from "../../../src/engine/ip/defrag.js";
import { IpInput } from "../../../src/engine/ip/ip-input.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import { type Got, QueueRig } from "../driver/queue-rig.js";

/** What TCP was handed: its words, and the payload's and the headers' bytes. */
export interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly ports: number;
  readonly len: number;
  readonly tsval: number;
  readonly truesize: number;
  readonly payload: Buffer;
}

/** A network layer over a device that splits nothing, and a TCP that looks at segments. */
export class IpRig {
  readonly rig: QueueRig;
  readonly defrag: Defrag;
  readonly input: IpInput;
  readonly tcp: Segment[] = [];
  /** What the driver handed up, in order. */
  readonly seen: Got[] = [];

  constructor(options: { verify?: boolean; netmems?: number; steps?: number } = {}) {
    const verify = options.verify ?? false;
    const netmems = options.netmems ?? 512;
    this.rig = new QueueRig({ kind: "page", netmems, frees: false, verify, skbs: 65536 });
    const { slab, arena, drops, rig } = this.rig;
    const { clock } = rig;
    const scratch = rig.table.addressOf(netmems - 1) + 4096;
    this.defrag = new Defrag({ slab, arena, clock, drops, scratch, verifyChecksums: verify });
    const tcp = { receive: (skb: number) => this.#receive(skb) };
    this.input = new IpInput({ slab, arena, drops, tcp, defrag: this.defrag });
  }

  /** Datagrams arrive one by one, `apartNs` apart. */
  receive(datagrams: readonly Uint8Array[], apartNs = 1_000_000): this {
    const { clock } = this.rig.rig;
    for (const datagram of datagrams) {
      this.rig.arrive(ethernet(datagram), clock.nowNs + apartNs);
      for (const got of this.rig.take()) {
        this.seen.push(got);
        this.rig.kept.length = 0;
        if (got.kind < 0) this.input.receive(got.skb);
        else this.input.receiveOther(got.skb, got.kind);
      }
    }
    return this;
  }

  /** Drops so far that are not zero. */
  get drops(): Record<string, number> {
    return this.rig.drops.nonZero();
  }

  /** skbs that wait in fragment queues. */
  get waiting(): number {
    return this.rig.slab.skbCount;
  }

  #receive(skb: number): void {
    const { slab, arena } = this.rig;
    const word = (which: number) => slab.skbs[skb * S.SK_WORDS + which]!;
    const parts: Buffer[] = [];
    for (let f = word(S.SK_FRAG_HEAD); f >= 0; f = slab.frags[f * S.FR_WORDS + S.FR_NEXT]!) {
      const from = slab.frags[f * S.FR_WORDS + S.FR_ADDR]! >>> 0;
      const len = slab.frags[f * S.FR_WORDS + S.FR_LEN]!;
      parts.push(Buffer.from(arena.bytes.subarray(from, from + len)));
    }
    const flags = word(S.SK_FLAGS);
    this.tcp.push({
      seq: word(S.SK_SEQ),
      ack: word(S.SK_ACK),
      flags,
      window: word(S.SK_WINDOW),
      ports: word(S.SK_PORTS),
      len: word(S.SK_LEN),
      tsval: (flags & S.SKF_TSTAMP) !== 0 ? word(S.SK_TSVAL) : -1,
      truesize: word(S.SK_TRUESIZE),
      payload: Buffer.concat(parts),
    });
    slab.free(skb);
  }
}
