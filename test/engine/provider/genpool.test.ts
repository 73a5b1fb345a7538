import { expect, test } from "vitest";
import { Genpool } from "../../../src/engine/provider/genpool.js";
import fc from "../../support/property.js";

test("first fit by address: always the lowest free granule", () => {
  const operation = fc.record({ alloc: fc.boolean(), pick: fc.nat(), times: fc.nat(40) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(operation), (granules, operations) => {
      const pool = new Genpool(granules);
      const free = new Set(Array.from({ length: granules }, (_, i) => i));
      for (const { alloc, pick, times } of operations) {
        for (let k = 0; k < times; k++) {
          const granule = alloc ? pool.alloc() : (pick + k * 7) % granules;
          if (alloc) {
            expect(granule).toBe(free.size === 0 ? -1 : Math.min(...free));
            free.delete(granule);
          } else {
            expect(pool.free(granule)).toBe(!free.has(granule));
            free.add(granule);
          }
        }
        expect(pool.avail).toBe(free.size);
      }
    }),
  );
});
