import { describe, expect, test } from "vitest";
import { SKF_DEFRAGGED, TCP_FIN, TCP_SYN } from "../../../src/engine/skb/skb-slab.js";
import fc from "../../support/property.js";
import { AppRig, type Segment, streamByte } from "./app-rig.js";

const frag = fc.record({ len: fc.integer({ min: 1, max: 4096 }), page: fc.boolean() });
const step = fc.record({
  sock: fc.integer({ min: 0, max: 3 }),
  frags: fc.array(frag, { maxLength: 4 }),
  overlap: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(5000)),
  readable: fc.boolean(),
  defragged: fc.boolean(),
  fin: fc.boolean(),
  waitNs: fc.integer({ min: 0, max: 5000 }),
});
const plan = fc.record({
  readSizeBytes: fc.integer({ min: 1, max: 20000 }),
  holdNs: fc.oneof(fc.constant(0), fc.nat(1e6)),
  batch: fc.integer({ min: 1, max: 5 }),
  readDelayNs: fc.nat(5000),
});

/**
 * Whatever the segments (overlaps, several frags, linear and niov mixed, wrap of the sequence
 * numbers), the read size and the hold time: the bytes arrive in order, each once, every frag is
 * stamped once, and nothing leaks.
 */
describe.each(["page", "devmem", "zcrx"] as const)("the %s application", (kind) => {
  test("reads the byte stream", () => {
    fc.assert(
      fc.property(
        plan,
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(0, -1, 0x7fffff00, -5000),
        (wanted, steps, isn) => {
          const rig = new AppRig(kind, wanted, { isn });
          const sent = [0, 0, 0, 0];
          const frags = { queued: 0 };
          for (const { sock, frags: pieces, overlap, readable, defragged, fin, waitNs } of steps) {
            const at = Math.max(0, sent[sock]! - overlap);
            const total = pieces.reduce((sum, piece) => sum + piece.len, 0);
            if (total < sent[sock]! - at) continue;
            let flags = fin ? TCP_FIN : 0;
            if (at === 0 && sent[sock] === 0) flags |= TCP_SYN;
            if (readable && defragged) flags |= SKF_DEFRAGGED;
            const segment: Segment = {
              sock,
              at,
              frags: pieces.map(({ len, page }) => ({ len, page: readable || page })),
              flags,
            };
            if (rig.receive(segment, sock % 3)) {
              sent[sock] = at + total;
              frags.queued += pieces.length;
            }
            rig.run(rig.rig.clock.nowNs + waitNs);
          }
          rig.finish();
          for (let sock = 0; sock < 4; sock++) {
            const stream = Array.from({ length: sent[sock]! }, (_, at) => streamByte(sock, at));
            expect(rig.got[sock]).toEqual(stream);
          }
          const { deliveredBytes, referenceBytes, copiedBytes } = rig.app.counts;
          const copied = Object.values(copiedBytes).reduce((sum, bytes) => sum + bytes, 0);
          const all = sent.reduce((sum, bytes) => sum + bytes, 0);
          expect([deliveredBytes, referenceBytes + copied]).toEqual([all, all]);
          const { app, deliver, hold } = rig.rig.stages;
          expect(app.total).toBe(deliver.total);
          expect(app.total).toBeLessThanOrEqual(frags.queued);
          if (kind === "page") expect(hold.total).toBe(app.total);
          expect(rig.rig.pools.zombies).toEqual([]);
          expect(rig.rig.ledger.counts.slice(16).every((count) => count === 0)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});
