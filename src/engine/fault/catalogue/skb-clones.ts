import type { ReceivePath } from "../../receive-path.js";
import {
  FR_NETMEM,
  FR_NEXT,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_NR_FRAGS,
  SK_WORDS,
  SKF_CLONED,
} from "../../skb/skb-slab.js";
import { intercept } from "../intercept.js";

/** A clone: an skb of its own that shares the frags of another. */
interface Clone {
  readonly origin: number;
  readonly shell: number;
  /** Netmems of the shared frags. */
  readonly netmems: readonly number[];
  state: "shared" | "adopted" | "moved";
}

/**
 * A packet tap (AF_PACKET): clones every skb that passes, as skb_clone does, and lets go of the
 * clones later.
 *
 *      origin --+--> frags, dataref 2        whoever goes last puts the frags' references
 *      clone  --+
 *
 * Frags that were moved to another skb meanwhile are still the clone's too: it puts them again.
 */
export class SkbClones {
  readonly #path: ReceivePath;
  readonly #clones: Clone[] = [];
  readonly #shared = new Map<number, Clone>();

  constructor(path: ReceivePath) {
    this.#path = path;
    const { slab } = path;
    intercept(path.tcp, "receive", (receive, skb) => {
      this.#clone(skb);
      receive(skb);
    });
    intercept(slab, "free", (free, skb) => {
      const clone = this.#shared.get(skb);
      if (clone !== undefined) {
        this.#shared.delete(skb);
        const left = slab.skbs[skb * SK_WORDS + SK_NR_FRAGS]!;
        clone.state = left === clone.netmems.length ? "adopted" : "moved";
        if (clone.state === "adopted") slab.joinFrags(clone.shell, skb);
      }
      free(skb);
    });
  }

  /** The tap has read everything: its clones are freed (skb_release_data). */
  release(): void {
    const { slab, ledger, pools } = this.#path;
    for (const { origin, shell, netmems, state } of this.#clones.splice(0)) {
      if (state === "shared") {
        this.#shared.delete(origin);
        slab.skbs[origin * SK_WORDS + SK_FLAGS]! &= ~SKF_CLONED;
      }
      if (state === "moved") {
        for (const n of netmems) if (ledger.skbPut(n)) pools.putUnrefed(n);
      }
      slab.free(shell);
    }
  }

  #clone(skb: number): void {
    const { slab, options } = this.#path;
    const netmems: number[] = [];
    let frag = slab.skbs[skb * SK_WORDS + SK_FRAG_HEAD]!;
    for (; frag >= 0; frag = slab.frags[frag * FR_WORDS + FR_NEXT]!) {
      netmems.push(slab.frags[frag * FR_WORDS + FR_NETMEM]!);
    }
    if (netmems.length === 0) return;
    const clone: Clone = { origin: skb, shell: slab.allocSkb(), netmems, state: "shared" };
    this.#clones.push(clone);
    this.#shared.set(skb, clone);
    // Before 1effe8ca4e34 coalescing did not ask whether it is one.
    if (options.kernel.regress !== "F22") slab.skbs[skb * SK_WORDS + SK_FLAGS]! |= SKF_CLONED;
  }
}
