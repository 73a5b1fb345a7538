import { reserve } from "../memory/reserve.js";
import { SK_END_SEQ, SK_SEQ, SK_WORDS, type SkbSlab } from "../skb/skb-slab.js";
import { before } from "../wire/seq.js";

/**
 * The shape of every socket's out-of-order queue (tp->out_of_order_queue): one red-black tree a
 * socket, ordered by sequence number, whose nodes are the skbs themselves.
 *
 *      links[skb * 4] = [left][right][parent][colour]        16 bytes an skb of the slab
 *
 *            [500..900] black            a red node has black children, and every way down has as
 *             /        \                 many black nodes: the depth is logarithmic whatever order
 *      [100..300]   [1000..1500]         segments take
 *         red          red
 *
 * It is balanced step by step as lib/rbtree.c does (__rb_insert, ____rb_erase_color): where
 * segments overlap, which one the walk of tcp_data_queue_ofo meets first decides what is merged and
 * counted.
 *
 * A tree is named by its root, which the caller keeps; every call that may change the root returns
 * the new one.
 */
const LINKS = 4;
const LEFT = 0;
const RIGHT = 1;
const PARENT = 2;
const COLOUR = 3;
const RED = 0;
const BLACK = 1;

/** See the head of this file. */
export class OfoTree {
  readonly #links: Int32Array;
  readonly #slab: Pick<SkbSlab, "skbs">;

  constructor(slab: Pick<SkbSlab, "skbs">) {
    this.#slab = slab;
    this.#links = new Int32Array(reserve((slab.skbs.length / SK_WORDS) * LINKS * 4));
  }

  /** Hangs `skb` under `parent` (-1: empty tree), on the right or left side that must be free. */
  link(root: number, skb: number, parent: number, right: boolean): number {
    const links = this.#links;
    const at = skb * LINKS;
    links[at + LEFT] = -1;
    links[at + RIGHT] = -1;
    links[at + PARENT] = parent;
    links[at + COLOUR] = RED;
    if (parent >= 0) links[parent * LINKS + (right ? RIGHT : LEFT)] = skb;
    return this.#settleRed(parent < 0 ? skb : root, skb);
  }

  /** Puts `skb` in the place of `old`, whose sequence number it shares (rb_replace_node). */
  replace(root: number, old: number, skb: number): number {
    const links = this.#links;
    for (let k = 0; k < LINKS; k++) links[skb * LINKS + k] = links[old * LINKS + k]!;
    for (let side = LEFT; side <= RIGHT; side++) {
      const child = links[skb * LINKS + side]!;
      if (child >= 0) links[child * LINKS + PARENT] = skb;
    }
    return this.#putInPlace(root, old, skb);
  }

  /** Takes `skb` out (rb_erase). */
  erase(root: number, skb: number): number {
    const links = this.#links;
    const at = skb * LINKS;
    const left = links[at + LEFT]!;
    const right = links[at + RIGHT]!;
    if (left < 0 || right < 0) {
      const child = left < 0 ? right : left;
      const top = this.#putInPlace(root, skb, child);
      if (links[at + COLOUR] === RED) return top;
      return this.#settleBlack(top, child, links[at + PARENT]!);
    }
    // The next node takes its place and colour; what is missing then is where that one was.
    const heir = this.first(right);
    const h = heir * LINKS;
    const gone = links[h + COLOUR]!;
    const child = links[h + RIGHT]!;
    let parent = heir;
    if (heir !== right) {
      parent = links[h + PARENT]!;
      this.#putInPlace(root, heir, child);
      links[h + RIGHT] = right;
      links[right * LINKS + PARENT] = heir;
    }
    const top = this.#putInPlace(root, skb, heir);
    links[h + LEFT] = left;
    links[left * LINKS + PARENT] = heir;
    links[h + COLOUR] = links[at + COLOUR]!;
    return gone === RED ? top : this.#settleBlack(top, child, parent);
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

  /** Hangs `by` (-1: nothing) where `skb` hangs; answers the root. */
  #putInPlace(root: number, skb: number, by: number): number {
    const links = this.#links;
    const parent = links[skb * LINKS + PARENT]!;
    if (by >= 0) links[by * LINKS + PARENT] = parent;
    if (parent < 0) return by;
    links[parent * LINKS + (links[parent * LINKS + LEFT] === skb ? LEFT : RIGHT)] = by;
    return root;
  }

  /** A red node is new at its place, and its parent may be red too. */
  #settleRed(root: number, skb: number): number {
    const links = this.#links;
    for (let node = skb; ; ) {
      const parent = links[node * LINKS + PARENT]!;
      if (parent < 0) links[node * LINKS + COLOUR] = BLACK;
      if (parent < 0 || links[parent * LINKS + COLOUR] === BLACK) return root;
      const above = links[parent * LINKS + PARENT]!;
      const side = links[above * LINKS + LEFT] === parent ? LEFT : RIGHT;
      const uncle = links[above * LINKS + (side ^ 1)]!;
      if (this.#isBlack(uncle)) {
        let up = parent;
        if (links[parent * LINKS + (side ^ 1)] === node) {
          this.#rotateUp(node);
          up = node;
        }
        this.#rotateUp(up);
        links[up * LINKS + COLOUR] = BLACK;
        links[above * LINKS + COLOUR] = RED;
        return root === above ? up : root;
      }
      links[parent * LINKS + COLOUR] = BLACK;
      links[uncle * LINKS + COLOUR] = BLACK;
      links[above * LINKS + COLOUR] = RED;
      node = above;
    }
  }

  /** The ways through `lacking` (-1: nothing), a child of `above`, are one black node short. */
  #settleBlack(root: number, lacking: number, above: number): number {
    const links = this.#links;
    let top = root;
    let node = lacking;
    let parent = above;
    while (parent >= 0 && this.#isBlack(node)) {
      const p = parent * LINKS;
      const side = links[p + LEFT] === node ? LEFT : RIGHT;
      let sibling = links[p + (side ^ 1)]!;
      if (links[sibling * LINKS + COLOUR] === RED) {
        this.#rotateUp(sibling);
        links[sibling * LINKS + COLOUR] = BLACK;
        links[p + COLOUR] = RED;
        if (top === parent) top = sibling;
        sibling = links[p + (side ^ 1)]!;
      }
      const near = links[sibling * LINKS + side]!;
      const far = links[sibling * LINKS + (side ^ 1)]!;
      if (!this.#isBlack(near) || !this.#isBlack(far)) {
        if (this.#isBlack(far)) {
          this.#rotateUp(near);
          links[sibling * LINKS + COLOUR] = BLACK;
          sibling = near;
        } else links[far * LINKS + COLOUR] = BLACK;
        links[sibling * LINKS + COLOUR] = links[p + COLOUR]!;
        links[p + COLOUR] = BLACK;
        this.#rotateUp(sibling);
        return top === parent ? sibling : top;
      }
      links[sibling * LINKS + COLOUR] = RED;
      node = parent;
      parent = links[node * LINKS + PARENT]!;
    }
    if (node >= 0) links[node * LINKS + COLOUR] = BLACK;
    return top;
  }

  #isBlack(node: number): boolean {
    return node < 0 || this.#links[node * LINKS + COLOUR] === BLACK;
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
