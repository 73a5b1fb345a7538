import { describe, expect, test } from "vitest";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import { NM_USER, NM_WORDS } from "../../../src/engine/netmem/netmem-table.js";
import { Z2 } from "../../../src/engine/netmem/state.js";
import { ZcrxArea } from "../../../src/engine/provider/zcrx-area.js";
import { Rig } from "../page-pool/rig.js";
import { PathRig } from "./path-rig.js";

const VINTAGES = Object.keys(KERNEL_PROFILES);

/** What each switch is in each vintage, oldest first. */
const SWITCHES: Array<[key: string, ...values: unknown[]]> = [
  ["providerScrub", true, false, false, false, false, false, false],
  ["zcrxExitScrub", false, true, true, true, true, true, true],
  ["zcrxUrefAtomic", false, false, false, true, true, true, true],
  ["zcrxAreas", 1, 1, 1, 1, 1024, 1024, 1024],
  ["devmemBindingRef", "refcount", "refcount", "refcount", ...Array(4).fill("percpu")],
];

test.each(SWITCHES)("the vintages differ in %s", (...row) => {
  const [key, ...values] = row as [string, ...unknown[]];
  expect(VINTAGES).toEqual(["rfc-v6", "6.12", "6.18", "7.0", "7.1", "7.2", "7.3"]);
  const profiles = VINTAGES.map(
    (name) => KERNEL_PROFILES[name]! as unknown as Record<string, unknown>,
  );
  expect(profiles.map((profile) => profile[key])).toEqual(values);
});

/** A niov that only the user holds, and an RQE for it; a scrub comes in the window of the put. */
function race(kernel: string): { rig: Rig; n: number; refill: () => void; flush: () => void } {
  const rig = new Rig("zcrx", 64, { profile: KERNEL_PROFILES[kernel]! });
  const pool = rig.pool();
  const n = rig.received(pool);
  rig.ledger.userGet(n, Z2);
  rig.put(n);
  rig.napi(0, () => {
    while (pool.cacheCount > 0) pool.alloc();
  });
  const ifq = rig.ifq!;
  ifq.ring.post(n << 12, 0, 4096);
  ifq.ring.publish();
  ifq.race = () => {
    ifq.race = null;
    ifq.scrub();
  };
  return { rig, n, refill: () => rig.napi(0, () => pool.alloc()), flush: () => ifq.flushRq() };
}

describe("scrub against refill for one user reference", () => {
  test.each(["6.18", "rfc-v6"])("%s acts on what it read: the niov goes back twice", (kernel) => {
    for (const way of ["refill", "flush"] as const) {
      const run = race(kernel);
      expect(run[way]).toThrow(/invariant 8: more user puts than user refs; netmem \d+ .*Z7 scrub/);
    }
  });

  test.each(["7.0", "7.3"])(
    "%s reads again: the entry is refused, the niov is back once",
    (kernel) => {
      for (const way of ["refill", "flush"] as const) {
        const { rig, n, ...run } = race(kernel);
        run[way]();
        expect(rig.ifq!.rejectedRqes).toBe(1);
        expect(rig.table.words[n * NM_WORDS + NM_USER]).toBe(0);
        rig.pools.audit();
      }
    },
  );
});

describe("areas of one instance", () => {
  test.each(["6.18", "7.0"])("%s has one, and no way to add another", (kernel) => {
    const rig = new Rig("zcrx", 32, { profile: KERNEL_PROFILES[kernel]! });
    expect(rig.ifq!.addArea(new ZcrxArea(rig.table, 0, 8, true))).toBe(-95);
  });

  test("7.1 takes up to 1024, all of one niov size", () => {
    const rig = new Rig("zcrx", 4096, { profile: KERNEL_PROFILES["7.1"]! });
    const ifq = rig.ifq!;
    const odd = new ZcrxArea(rig.table, 0, 1, true);
    Object.assign(odd, { niovShift: 13 });
    expect(ifq.addArea(odd)).toBe(-22);
    for (let id = 1; id < 1024; id++) {
      expect(ifq.addArea(new ZcrxArea(rig.table, id, 1, true))).toBe(0);
    }
    expect(ifq.addArea(new ZcrxArea(rig.table, 1024, 1, true))).toBe(-22);
  });

  test("niovs of a second area are received, completed, returned by area id and scrubbed", () => {
    const rig = new PathRig({ provider: "zcrx", netmems: 32, spareAreas: 1, ring: 8 });
    const ifq = rig.zcrx.ifqs[0]!;
    expect(rig.zcrx.addArea(0)).toBe(0);
    expect([ifq.netmemCount, ifq.areas.mapped]).toEqual([64, true]);
    rig.send(40);
    expect(rig.path.app.heldCount).toBe(40);
    rig.path.audit();
    rig.path.app.giveBackAll();
    expect(ifq.flushRq()).toBe(40);
    expect([ifq.rejectedRqes, rig.holders().app]).toEqual([0, 0]);
    rig.send(40);
    rig.life.exitApplication();
    rig.pass(2e9);
    expect([ifq.freed, ifq.freeCount, ifq.areas.mapped]).toEqual([true, 64, false]);
    rig.path.audit();
  });

  test("an entry that names an area which is not there is refused", () => {
    const rig = new Rig("zcrx", 32);
    rig.ifq!.ring.post(0, 1 << 16, 4096);
    rig.ifq!.ring.publish();
    rig.ifq!.flushRq();
    expect(rig.ifq!.rejectedRqes).toBe(1);
  });
});

test("a niov that is freed twice to the genpool is named with owner and last transition", () => {
  const rig = new Rig("devmem", 64);
  const pool = rig.pool();
  const n = rig.received(pool);
  rig.put(n);
  rig.pools.destroy(pool);
  expect(() => rig.binding!.releaseNetmem(pool, n)).toThrow(
    /invariant 3: niov freed twice to the genpool; netmem 0 of 64, PROV_FREE.*last D6 pool/,
  );
});
