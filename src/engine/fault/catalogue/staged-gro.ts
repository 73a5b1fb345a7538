import { Gro } from "../../driver/gro.js";
import { Arena } from "../../memory/arena.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import * as S from "../../skb/skb-slab.js";
import { talk } from "./frames.js";
import type { Parts } from "./parts.js";

const HEADER_BYTES = 54;
const MSS = 1000;
const SLOT_BYTES = 4096;

/** GRO of the kernel before two of its rules: it hides from today's what they look at. */
class RegressedGro extends Gro {
  readonly #slab: S.SkbSlab;
  readonly #regress: string;

  constructor(deps: ConstructorParameters<typeof Gro>[0], regress: string) {
    super(deps);
    this.#slab = deps.slab;
    this.#regress = regress;
  }

  override receive(skb: number, tags: number): void {
    const at = skb * S.SK_WORDS + S.SK_FLAGS;
    const { skbs } = this.#slab;
    // Once pp_recycle was not compared (2023), nor shared frags kept apart (CVE-2026-46300).
    if (this.#regress === "F23") skbs[at]! |= S.SKF_PP_RECYCLE;
    if (this.#regress === "F24") skbs[at]! &= ~S.SKF_SHARED_FRAG;
    super.receive(skb, tags);
  }
}

/** GRO with two segments of one flow in front of it, and what came out behind. */
export class StagedGro {
  readonly slab: S.SkbSlab;
  readonly out: number[] = [];
  readonly #gro: Gro;
  readonly #arena = new Arena(1 << 16);
  readonly #segments = talk({ segments: [MSS, MSS, MSS, MSS] }).slice(3);
  #next = 0;

  constructor(parts: Parts) {
    const { ledger, pools, clock, profile } = parts;
    this.slab = new S.SkbSlab({ skbs: 16, frags: 64 }, { ledger, back: pools, clock });
    const up = { receive: (skb: number) => void this.out.push(skb) };
    const deps = { slab: this.slab, arena: this.#arena, clock, up };
    const { regress } = profile;
    this.#gro =
      regress === "F23" || regress === "F24" ? new RegressedGro(deps, regress) : new Gro(deps);
  }

  /** The next segment arrives; its payload lies in `netmem`. */
  segment(netmem: number, flags: number): void {
    const { slab } = this;
    const header = this.#segments[this.#next]!.bytes.subarray(0, HEADER_BYTES);
    const at = this.#next++ * SLOT_BYTES;
    // PSH would end the batch.
    this.#arena.bytes.set(header, at);
    this.#arena.bytes[at + 47]! &= ~S.TCP_PSH;
    const view = this.#arena.view;
    const skb = slab.allocSkb();
    const k = skb * S.SK_WORDS;
    const { skbs } = slab;
    slab.addFrag(skb, netmem, at, MSS);
    skbs[k + S.SK_SEQ] = view.getInt32(at + 38);
    skbs[k + S.SK_LEN] = MSS;
    skbs[k + S.SK_FLAGS] = flags | S.TCP_ACK;
    skbs[k + S.SK_TRUESIZE] = 2048;
    skbs[k + S.SK_HEAD_TRUESIZE] = 512;
    skbs[k + S.SK_GSO_SIZE] = 0;
    skbs[k + S.SK_GSO_SEGS] = 1;
    skbs[k + S.SK_HASH] = 1;
    skbs[k + S.SK_SADDR] = view.getInt32(at + 26);
    skbs[k + S.SK_DADDR] = view.getInt32(at + 30);
    skbs[k + S.SK_PORTS] = view.getInt32(at + 34);
    skbs[k + S.SK_L3] = at + 14;
    skbs[k + S.SK_L4] = at + 34;
    this.#gro.receive(skb, 0);
  }

  /** End of the poll. */
  flush(): void {
    this.#gro.flushAll(false);
  }

  /** Netmems of an skb's frags. */
  netmems(skb: number): number[] {
    const found: number[] = [];
    const { skbs, frags } = this.slab;
    let frag = skbs[skb * S.SK_WORDS + S.SK_FRAG_HEAD]!;
    for (; frag >= 0; frag = frags[frag * S.FR_WORDS + S.FR_NEXT]!) {
      found.push(frags[frag * S.FR_WORDS + S.FR_NETMEM]!);
    }
    return found;
  }

  /** SK_FLAGS of an skb. */
  flags(skb: number): number {
    return this.slab.skbs[skb * S.SK_WORDS + S.SK_FLAGS]!;
  }

  /** A pool's netmem that an skb of this stage holds. */
  payload(parts: Parts, pool: PagePool): number {
    return parts.received(pool);
  }
}
