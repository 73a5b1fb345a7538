import { describe, expect, it } from "vitest";
import { SK_END_SEQ, SK_SEQ, SK_WORDS } from "../../../src/engine/skb/skb-slab.js";
import { OfoTree } from "../../../src/engine/tcp/ofo-tree.js";
import fc from "../../support/property.js";

const ROOM = 256;

/** A tree of skbs of which each starts at its own number. */
class Plot {
  readonly skbs = new Int32Array(ROOM * SK_WORDS);
  readonly tree = new OfoTree(this);
  root = -1;

  constructor() {
    for (let skb = 0; skb < ROOM; skb++) this.place(skb, skb);
  }

  place(skb: number, seq: number): void {
    this.skbs[skb * SK_WORDS + SK_SEQ] = seq;
    this.skbs[skb * SK_WORDS + SK_END_SEQ] = seq + 1;
  }

  seq(skb: number): number {
    return this.skbs[skb * SK_WORDS + SK_SEQ]!;
  }

  add(skb: number): void {
    let parent = -1;
    let right = false;
    for (let node = this.root; node >= 0; ) {
      parent = node;
      right = this.seq(skb) > this.seq(node);
      node = right ? this.tree.right(node) : this.tree.left(node);
    }
    this.root = this.tree.link(this.root, skb, parent, right);
  }

  erase(skb: number): void {
    this.root = this.tree.erase(this.root, skb);
  }

  inOrder(): number[] {
    const found: number[] = [];
    for (let skb = this.tree.first(this.root); skb >= 0; skb = this.tree.next(skb)) found.push(skb);
    return found;
  }

  /** The tree level by level, as the walk of a search sees it. */
  levels(): number[][] {
    const found: number[][] = [];
    for (let level = this.root < 0 ? [] : [this.root]; level.length > 0; ) {
      found.push(level.map((skb) => this.seq(skb)));
      const below = level.flatMap((skb) => [this.tree.left(skb), this.tree.right(skb)]);
      level = below.filter((skb) => skb >= 0);
    }
    return found;
  }
}

describe("the tree of a socket's out-of-order queue", () => {
  it("is balanced as the kernel's is, whatever order segments take", () => {
    const shapes = [
      [3, 2, 1],
      [1, 3, 2],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ].map((order) => {
      const plot = new Plot();
      for (const skb of order) plot.add(skb);
      return plot.levels();
    });
    expect(shapes).toEqual([
      [[2], [1, 3]],
      [[2], [1, 3]],
      [[4], [2, 6], [1, 3, 5, 7], [8]],
    ]);
  });

  it("puts the next node in the place of one with two children, and balances from there", () => {
    const plot = new Plot();
    for (let skb = 1; skb <= 8; skb++) plot.add(skb);
    plot.erase(4);
    expect(plot.levels()).toEqual([[5], [2, 7], [1, 3, 6, 8]]);
    plot.erase(1);
    plot.erase(3);
    plot.erase(2);
    expect(plot.levels()).toEqual([[7], [5, 8], [6]]);
  });

  it("holds what was put in and not taken out, in order and not deep", () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 99 }), fc.nat({ max: 2 })), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (plan) => {
        const plot = new Plot();
        const held = new Map<number, number>();
        let spare = 100;
        for (const [seq, what] of plan) {
          const skb = held.get(seq);
          if (skb === undefined) {
            plot.add(seq);
            held.set(seq, seq);
          } else if (what === 0 && spare < ROOM) {
            plot.place(spare, seq);
            plot.root = plot.tree.replace(plot.root, skb, spare);
            held.set(seq, spare++);
          } else {
            plot.erase(skb);
            plot.place(seq, seq);
            held.delete(seq);
          }
          const want = [...held].sort(([a], [b]) => a - b).map(([, skb]) => skb);
          const got = plot.inOrder();
          expect(got).toEqual(want);
          expect(got.map((skb) => plot.tree.previous(skb))).toEqual([-1, ...want].slice(0, -1));
          expect(plot.levels().length).toBeLessThanOrEqual(2 * Math.log2(want.length + 1));
        }
      }),
      { numRuns: 100 },
    );
  });
});
