import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN } from "../../../src/engine/skb/skb-slab.js";
import type { RcvbufPolicy } from "../../../src/engine/tcp/socket-table.js";
import fc from "../../support/property.js";
import { handshake, reply, World } from "./harness.js";

/** A byte of the stream at offset `i`. */
const byteAt = (i: number) => (Math.imul(i, 2654435761) >>> 24) & 255;

const piece = fc.record({
  from: fc.integer({ min: 0, max: 5999 }),
  length: fc.integer({ min: 1, max: 700 }),
  unreadable: fc.boolean(),
  frags: fc.integer({ min: 1, max: 4 }),
  readNow: fc.boolean(),
  acked: fc.boolean(),
});

const scenario = fc.record({
  total: fc.integer({ min: 1, max: 6000 }),
  isn: fc.constantFrom(1000, 0xffffff00, 0x7fffff00, 0xfffffffe),
  pieces: fc.array(piece, { maxLength: 60 }),
  mss: fc.integer({ min: 50, max: 1460 }),
  withFin: fc.boolean(),
  rcvbuf: fc.constantFrom<RcvbufPolicy>("capture", "auto", 200000),
  kernel: fc.constantFrom("6.12", "6.18", "7.1", "7.3"),
});

describe("a stream that is segmented, duplicated, overlapped, reordered and lost", () => {
  it("is delivered as it was sent once everything was retransmitted (invariant 43)", () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const world = new World({ netmems: 2048, reads: false, ...plan });
        const first = (plan.isn + 1) | 0;
        handshake(world, plan.isn, 5000, { windowScale: 7 });
        const send = (from: number, to: number, more: object) => {
          const data = Uint8Array.from({ length: to - from }, (_, i) => byteAt(from + i));
          const last = plan.withFin && to === plan.total;
          const flags = last ? TCP_ACK | TCP_FIN : TCP_ACK;
          world.send({ seq: (first + from) | 0, ack: 5001, window: 502, flags, data, ...more });
          world.stack.audit();
        };
        for (const p of plan.pieces) {
          if (p.from >= plan.total) continue;
          const to = Math.min(p.from + p.length, plan.total);
          send(p.from, to, { unreadable: p.unreadable, frags: p.frags });
          const ack = world.stack.readableSeq(0);
          if (p.acked) world.send(reply({ seq: 5001, ack, window: 502 }));
          if (p.readNow) world.read(0);
          world.stack.audit();
        }
        for (let from = 0; from < plan.total; from += plan.mss) {
          send(from, Math.min(from + plan.mss, plan.total), {});
          world.read(0, 100);
        }
        world.read(0);
        expect(world.bytes(0)).toEqual(
          Buffer.from(Array.from({ length: plan.total }, (_, i) => byteAt(i))),
        );
        expect(world.stack.streamOf(0)).toMatchObject({
          bytes: plan.total,
          gaps: 0,
          end: plan.withFin ? "fin" : "open",
        });
        world.stack.finish();
        expect(world.outstanding).toBe(0);
        expect(world.slab.skbCount + world.slab.fragCount).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
