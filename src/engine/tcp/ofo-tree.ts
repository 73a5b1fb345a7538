import { Prng } from "../clock/prng.js";
import { reserve } from "../memory/reserve.js";
import { SK_END_SEQ, SK_SEQ, SK_WORDS, type SkbSlab } from "../skb/skb-slab.js";
import { before } from "../wire/seq.js";

/**
 * The shape of every socket's out-of-order queue: one treap a socket, ordered by sequence number,
 * whose nodes are the skbs themselves (tp->out_of_order_queue, there a red-black tree).
 *
 *      links[skb * 4] = [left][right][parent][priority]      16 bytes an skb of the slab
 *
 *               [500..900]            priority of a parent >= that of its children, so that the
 *               /        \            expected depth is logarithmic whatever order segments take
 *        [100..300]   [1000..1500]
 *
 * A tree is named by its root, which the caller keeps; every call that may change the root returns
 * the new one.
 */
const LINKS = 4;
const LEFT = 0;
const RIGHT = 1;
const PARENT = 2;
const PRIORITY = 3;

/** See the head of this file. */
export class OfoTree {
  readonly #links: Int32Array;
  readonly #slab: SkbSlab;
  readonly #prng: Prng;

  constructor(slab: SkbSlab, seed: number) {
    this.#slab = slab;
    this.#links = new Int32Array(reserve((slab.skbs.length / SK_WORDS) * LINKS * 4));
    this.#prng = new Prng(seed);
  }

  /** Hangs `skb` under `parent` (-1: empty tree), on the right or left side that must be free. */
  link(root: number, skb: number, parent: number, right: boolean): number {
    const links = this.#links;
    const at = skb * LINKS;
    links[at + LEFT] = -1;
    links[at + RIGHT] = -1;
    links[at + PARENT] = parent;
    links[at + PRIORITY] = this.#prng.next() | 0;
    if (parent < 0) return skb;
    links[parent * LINKS + (right ? RIGHT : LEFT)] = skb;
    let top = root;
    while (links[at + PARENT]! >= 0) {
      const above = links[at + PARENT]!;
      if (links[above * LINKS + PRIORITY]! >= links[at + PRIORITY]!) break;
      if (above === top) top = skb;
      this.#rotateUp(skb);
    }
    return top;
  }

  /** Puts `skb` in the place of `old`, whose sequence number it shares (rb_replace_node). */
  replace(root: number, old: number, skb: number): number {
    const links = this.#links;
    const parent = links[old * LINKS + PARENT]!;
    for (let k = 0; k < LINKS; k++) links[skb * LINKS + k] = links[old * LINKS + k]!;
    for (let side = LEFT; side <= RIGHT; side++) {
      const child = links[skb * LINKS + side]!;
      if (child >= 0) links[child * LINKS + PARENT] = skb;
    }
    if (parent < 0) return skb;
    links[parent * LINKS + (links[parent * LINKS + LEFT] === old ? LEFT : RIGHT)] = skb;
    return root;
  }

  /** Takes `skb` out (rb_erase). */
  erase(root: number, skb: number): number {
    const links = this.#links;
    const at = skb * LINKS;
    let top = root;
    for (;;) {
      const left = links[at + LEFT]!;
      const right = links[at + RIGHT]!;
      if (left < 0 || right < 0) {
        const child = left < 0 ? right : left;
        const parent = links[at + PARENT]!;
        if (child >= 0) links[child * LINKS + PARENT] = parent;
        if (parent < 0) return child;
        links[parent * LINKS + (links[parent * LINKS + LEFT] === skb ? LEFT : RIGHT)] = child;
        return top;
      }
      const heavier = links[left * LINKS + PRIORITY]! >= links[right * LINKS + PRIORITY]!;
      const up = heavier ? left : right;
      if (top === skb) top = up;
      this.#rotateUp(up);
    }
  }

  /** The node with the lowest sequence number, or -1. */
  first(root: number): number {
    let node = root;
    if (node < 0) return -1;
    for (;;) {
      const left = this.#links[node * LINKS + LEFT]!;
      if (left < 0) return node;
      node = left;
    }
  }

  /** The node behind `skb`, or -1. */
  next(skb: number): number {
    return this.#step(skb, RIGHT, LEFT);
  }

  /** The node before `skb`, or -1. */
  previous(skb: number): number {
    return this.#step(skb, LEFT, RIGHT);
  }

  left(skb: number): number {
    return this.#links[skb * LINKS + LEFT]!;
  }

  right(skb: number): number {
    return this.#links[skb * LINKS + RIGHT]!;
  }

  /** Counts the holes before and between the nodes, given that `seq` is expected next. */
  gaps(root: number, seq: number): number {
    const skbs = this.#slab.skbs;
    let expected = seq;
    let holes = 0;
    for (let node = this.first(root); node >= 0; node = this.next(node)) {
      const at = node * SK_WORDS;
      if (before(expected, skbs[at + SK_SEQ]!)) holes++;
      if (before(expected, skbs[at + SK_END_SEQ]!)) expected = skbs[at + SK_END_SEQ]!;
    }
    return holes;
  }

  #step(skb: number, towards: number, back: number): number {
    const links = this.#links;
    let node = links[skb * LINKS + towards]!;
    if (node >= 0) {
      for (;;) {
        const deeper = links[node * LINKS + back]!;
        if (deeper < 0) return node;
        node = deeper;
      }
    }
    let child = skb;
    node = links[skb * LINKS + PARENT]!;
    while (node >= 0 && links[node * LINKS + towards] === child) {
      child = node;
      node = links[node * LINKS + PARENT]!;
    }
    return node;
  }

  #rotateUp(skb: number): void {
    const links = this.#links;
    const at = skb * LINKS;
    const parent = links[at + PARENT]!;
    const p = parent * LINKS;
    const above = links[p + PARENT]!;
    const fromLeft = links[p + LEFT] === skb;
    const moved = links[at + (fromLeft ? RIGHT : LEFT)]!;
    links[p + (fromLeft ? LEFT : RIGHT)] = moved;
    if (moved >= 0) links[moved * LINKS + PARENT] = parent;
    links[at + (fromLeft ? RIGHT : LEFT)] = parent;
    links[p + PARENT] = skb;
    links[at + PARENT] = above;
    if (above < 0) return;
    links[above * LINKS + (links[above * LINKS + LEFT] === parent ? LEFT : RIGHT)] = skb;
  }
}
