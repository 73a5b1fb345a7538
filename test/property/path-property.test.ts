import { describe, expect, test } from "vitest";
import type { Kind } from "../engine/page-pool/rig.js";
import fc from "../support/property.js";
import { type PathOp, PathWorld } from "./path-world.js";

/** How often each operation is drawn. */
const WEIGHTS: ReadonlyArray<readonly [PathOp, number]> = [
  ["alloc", 24],
  ["burst", 3],
  ["drop", 6],
  ["dropElsewhere", 3],
  ["deliver", 24],
  ["share", 5],
  ["read", 18],
  ["eat", 12],
  ["eatInNapi", 8],
  ["giveBack", 22],
  ["misuse", 5],
  ["closeSocket", 1],
  ["fallback", 3],
  ["flush", 2],
  ["scrub", 1],
  ["raise", 2],
  ["newPool", 2],
  ["destroyPool", 1],
  ["retry", 3],
  ["audit", 4],
];

const MOST_OPERATIONS = 400;
const RUNS = 500;

const operation = fc.tuple(
  fc.constantFrom(...WEIGHTS.flatMap(([name, weight]) => new Array<PathOp>(weight).fill(name))),
  fc.nat(255),
);

/** PROPERTY_SEED repeats a run; otherwise each run has a seed of its own, which it prints. */
const seed = Number(process.env.PROPERTY_SEED ?? Date.now() % 2 ** 31);

let done = 0;

/** Random operations on a world, from its first pool to an orderly end. */
function addsUp(kind: Kind, numRuns: number, prepare: (world: PathWorld) => void = () => {}) {
  return fc.check(
    fc.property(
      fc.integer({ min: 1, max: 150 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(operation, { maxLength: MOST_OPERATIONS, size: "max" }),
      (netmems, ring, operations) => {
        const world = new PathWorld(kind, netmems, ring);
        prepare(world);
        for (const [op, pick] of operations) {
          world.apply(op, pick);
          done++;
        }
        world.finish();
      },
    ),
    { numRuns, seed },
  );
}

describe.each(["page", "devmem", "zcrx"] as const)("%s: pool, provider and sockets", (kind) => {
  test("add up after every operation, and leave nothing behind", () => {
    const before = done;
    const result = addsUp(kind, RUNS);
    process.stdout.write(`property ${kind}: ${done - before} operations, PROPERTY_SEED=${seed}\n`);
    expect(result.failed ? fc.defaultReportMessage(result) : "").toBe("");
  });
});

test("that makes at least 200,000 operations", () => {
  expect(done).toBeGreaterThanOrEqual(200_000);
});

describe("a fault that is planted is found, and its counterexample shrunk", () => {
  test.each([
    ["page", "a put is lost", (world: PathWorld) => loseLastPuts(world)],
    ["devmem", "a put is lost", (world: PathWorld) => loseLastPuts(world)],
    ["zcrx", "a put is lost", (world: PathWorld) => loseLastPuts(world)],
    ["zcrx", "a user reference is forgotten", (world: PathWorld) => forgetUserPuts(world)],
  ] as const)("%s: %s", (kind, _what, plant) => {
    const result = addsUp(kind, 100, plant);
    expect(result.failed).toBe(true);
    expect(result.counterexample![2].length).toBeLessThanOrEqual(8);
  });
});

function loseLastPuts({ rig }: PathWorld): void {
  let puts = 0;
  const put = rig.pools.putUnrefed.bind(rig.pools);
  rig.pools.putUnrefed = (n) => {
    if (++puts % 3 !== 0) put(n);
  };
}

function forgetUserPuts({ rig }: PathWorld): void {
  const put = rig.ledger.userPut.bind(rig.ledger);
  rig.ledger.userPut = (n, nr, how) => (nr > 1 ? false : put(n, nr, how));
}
