import { expect, test } from "vitest";
import { PtrRing } from "../../../src/engine/page-pool/ptr-ring.js";
import fc from "../../support/property.js";
import { SlotRing } from "./slot-ring.js";

test("a ring behaves as slots that are cleared in batches", () => {
  const operation = fc.oneof(
    fc.record({ produce: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ consume: fc.integer({ min: 1, max: 40 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(operation), (size, operations) => {
      const ring = new PtrRing(size);
      const model = new SlotRing(size);
      let next = 0;
      for (const op of operations) {
        if ("produce" in op) {
          for (let i = 0; i < op.produce; i++, next++) {
            expect(ring.produce(next)).toBe(model.produce(next));
          }
        } else {
          for (let i = 0; i < op.consume; i++) expect(ring.consume()).toBe(model.consume());
        }
        expect(ring.empty).toBe(model.slots[model.head] === null);
      }
    }),
    { numRuns: 300 },
  );
});

test("a full ring of 64 still refuses after 15 were consumed and takes 16 after the 16th", () => {
  const ring = new PtrRing(64);
  for (let n = 0; n < 64; n++) expect(ring.produce(n)).toBe(true);
  for (let n = 0; n < 15; n++) expect(ring.consume()).toBe(n);
  expect(ring.count).toBe(49);
  expect(ring.produce(100)).toBe(false);
  expect(ring.consume()).toBe(15);
  for (let n = 0; n < 16; n++) expect(ring.produce(100 + n)).toBe(true);
  expect(ring.produce(200)).toBe(false);
});
