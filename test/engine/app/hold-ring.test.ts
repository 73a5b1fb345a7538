import { expect, test } from "vitest";
import { HOLD_WORDS, HoldRing } from "../../../src/engine/app/hold-ring.js";
import { SocketRing } from "../../../src/engine/app/socket-ring.js";
import fc from "../../support/property.js";

const operations = fc.array(fc.record({ push: fc.nat(100), shift: fc.nat(100) }), {
  maxLength: 20,
});

test("what is held comes out in the order in which it went in, however the ring grows", () => {
  fc.assert(
    fc.property(operations, fc.integer({ min: 1, max: 9 }), (steps, batch) => {
      const ring = new HoldRing(batch, 5);
      const model: number[] = [];
      let next = 0;
      for (const { push, shift } of steps) {
        for (let i = 0; i < push; i++, next++) {
          const slot = ring.push(next, -next);
          ring.readNs[slot] = next * 10;
          model.push(next);
        }
        ring.settle();
        const last = model[batch - 1];
        expect(ring.dueNs).toBe(last === undefined ? Infinity : last * 10 + 5);
        for (let i = 0; i < shift && model.length > 0; i++) {
          const slot = ring.shift();
          const first = model.shift()!;
          expect(ring.words[slot * HOLD_WORDS]).toBe(first);
          expect(ring.words[slot * HOLD_WORDS + 1]).toBe(-first | 0);
          expect(ring.readNs[slot]).toBe(first * 10);
        }
        expect(ring.count).toBe(model.length);
      }
    }),
  );
});

test("sockets come out in the order in which they became ready", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const ring = new SocketRing();
      const model: number[] = [];
      let next = 0;
      for (const { push, shift } of steps) {
        for (let i = 0; i < push; i++, next++) {
          ring.push(next);
          model.push(next);
        }
        for (let i = 0; i < shift; i++) expect(ring.shift()).toBe(model.shift() ?? -1);
      }
    }),
  );
});
