import { expect, it } from "vitest";
import { FAULT_KINDS, FAULT_NAMES } from "../../../src/engine/fault/kinds.js";
import fc from "../../support/property.js";
import { FIXTURES, faulty, wrong } from "./plans.js";

const when = fc.oneof(
  fc.integer({ min: 1, max: 60 }).map(String),
  fc.integer({ min: 1, max: 4000 }).map((us) => `${us}us`),
  fc.constant("random,within=50"),
  fc.integer({ min: 0, max: 4000 }).map((bytes) => `0:${bytes}`),
);
const onWire = (kind: keyof typeof FAULT_KINDS) => FAULT_KINDS[kind].side === "wire";
const fault = fc
  .tuple(fc.constantFrom(...FAULT_NAMES), when)
  .filter(([kind, at]) => !(onWire(kind) && at.startsWith("0:")))
  .map(([kind, at]) => `${kind}@${at}`);
const plan = fc.uniqueArray(fault, { minLength: 2, maxLength: 7 }).map((all) => all.join(","));

it("no plan of several faults makes the kernel leak or break a rule", async () => {
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.constantFrom(FIXTURES.loss, FIXTURES.http),
      fc.constantFrom("6.18", "7.0", "7.1", "7.3"),
      fc.constantFrom("fbnic", "bnxt", "gve"),
      fc.constantFrom({}, { hds: "fail=3" }, { topspeed: true }, { loop: "2" }),
      async (faults, path, kernel, driver, more) => {
        const { record } = await faulty(path, faults, { kernel, driver, ...more });
        expect(wrong(record)).toEqual([]);
      },
    ),
    { numRuns: 30, seed: 20_261_123 },
  );
}, 60_000);
