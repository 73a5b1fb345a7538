import { describe, expect, it } from "vitest";
import { REAL_KINDS } from "../../../src/engine/fault/kinds.js";
import type { RunRecord } from "../../../src/replay/record/schema.js";
import { checksOf, runOf } from "../../../src/replay/vm/checks.js";
import type { GuestResult } from "../../../src/replay/vm/guest/job.js";
import { faultsOf, scenariosOf } from "../../../src/replay/vm/scenarios.js";

const STREAM = {
  src: "10.0.0.1",
  sport: 1,
  dst: "10.0.0.2",
  dport: 2,
  bytes: 10,
  sha256: "aa",
  gaps: 0,
  end: "fin" as const,
};

function run(changes: Partial<RunRecord>): RunRecord {
  return {
    deliveredBytes: 10,
    streams: [STREAM],
    copy: { bytes: 0, byReason: {} },
    reference: { bytes: 10 },
    recycle: { recyclingPct: 50, endToEndPct: 100 },
    leaks: { count: 0, zombies: 0 },
    pool: { allocFast: 1, allocEmpty: 2, allocRefill: 3, recycleCached: 4, recycleRing: 5 },
    drops: {},
    tcp: {},
    ...changes,
  } as RunRecord;
}

const result: GuestResult = { status: 0, stdout: "", stderr: "", poolsLeft: 0, inflightLeft: 0 };
const scenario = (id: string) => scenariosOf("zcrx").find((one) => one.id === id)!;
const differing = (id: string, guest: RunRecord | null, ended: Partial<GuestResult> = {}) =>
  checksOf({
    scenario: scenario(id),
    faults: [],
    model: run({}),
    guest,
    result: { ...result, ...ended },
  })
    .filter(({ same }) => !same)
    .map(({ what }) => what);
const told = (...effects: string[]) =>
  run({ faults: effects.map((effect) => ({ fault: "look@1", packet: 1, effect })) });
const looked = (here: RunRecord, there: RunRecord) =>
  checksOf({
    scenario: scenario("steady"),
    faults: faultsOf(scenario("steady"), 100),
    model: here,
    guest: there,
    result,
  }).filter(({ same }) => !same);

describe("model against guest", () => {
  it("finds nothing where both are the same", () => {
    expect(differing("steady", run({}))).toEqual([]);
  });

  it("finds a stream with other bytes, and a copy that should not be", () => {
    const other = run({ streams: [{ ...STREAM, sha256: "bb" }] });
    expect(differing("steady", other)).toContain("streams equal, byte by byte");
    const copied = run({ copy: { bytes: 10, byReason: {} }, reference: { bytes: 0 } });
    expect(differing("steady", copied)).toEqual(["copied to the user", "passed by reference"]);
  });

  it("finds netmems that are still in flight after the end, also of a killed reader", () => {
    expect(differing("killed", null, { poolsLeft: 1, inflightLeft: 7 })).toEqual([
      "reader",
      "pools of the provider left",
      "inflight after the end",
    ]);
  });

  it("finds a reader that was not killed where it should have been", () => {
    const error = { message: "backend kernel-zcrx was ended by SIGKILL" };
    expect(differing("killed", null, { stdout: JSON.stringify({ error }) })).toEqual([]);
    expect(differing("killed", run({}))).toEqual(["reader"]);
    expect(differing("killed", null, { stderr: "no such file" })).toEqual(["reader"]);
  });

  it("compares the pool's counters where both sides read every packet at once", () => {
    const pool = { ...run({}).pool, recycleRing: 6 };
    expect(differing("steady", run({ pool }))).toEqual(["pool's counters"]);
    expect(differing("queue-restart", run({ pool }))).toEqual([]);
  });

  it("lets the pool of a ring that went be there or be gone, once nothing is out of it", () => {
    const faults = [
      { kind: "terminate", packet: 5, args: "" },
      { kind: "look", packet: 6, args: "" },
    ] as const;
    const at = (effect: string) =>
      run({ faults: ["", effect].map((text) => ({ fault: "f", packet: 1, effect: text })) });
    const compared = (there: string) =>
      checksOf({
        scenario: scenario("ring-exit"),
        faults,
        model: at("6 netmems out, 358 in flight"),
        guest: at(there),
        result,
      }).filter(({ same }) => !same).length;
    expect(compared("6 netmems out, 320 in flight")).toBe(0);
    expect(compared("7 netmems out, 358 in flight")).toBe(1);
    expect(compared("6 netmems out, 359 in flight")).toBe(1);
  });

  it("compares what each look counted, and what nobody can tell is left out", () => {
    const both = "3 netmems out, 9 in flight";
    expect(looked(told(both, both), told(both, both))).toEqual([]);
    expect(looked(told(both, both), told(both, "? netmems out, 9 in flight"))).toEqual([]);
    expect(looked(told(both, both), told(both, "? netmems out, 8 in flight"))).toMatchObject([
      { what: "look before packet 90", guest: "? netmems out, 8 in flight" },
    ]);
    expect(looked(told(both, both), told(both))).toMatchObject([{ guest: "missing" }]);
  });

  it("finds a run that gave no record, and says what it said", () => {
    const stdout = JSON.stringify({ error: { message: "no such queue" } });
    const checks = checksOf({
      scenario: scenario("steady"),
      faults: [],
      model: run({}),
      guest: runOf({ ...result, stdout }),
      result: { ...result, stdout },
    });
    expect(checks.find(({ what }) => what === "record")?.guest).toBe("no such queue");
  });

  it("wants drops at the NIC where memory ran out, and no zero window", () => {
    const model = run({ drops: { RX_ALLOC_FAIL: 5 } });
    const sides = { scenario: scenario("hoarder"), faults: [], model, result };
    const guest = run({ drops: {}, tcp: { TCPToZeroWindowAdv: 1 } });
    const found = checksOf({ ...sides, guest }).filter(({ same }) => !same);
    expect(found.map(({ what }) => what)).toEqual(["drops for want of netmems", "zero window"]);
  });

  it("has twelve scenarios or more for each provider, no name twice", () => {
    for (const provider of ["zcrx", "devmem"] as const) {
      const ids = scenariosOf(provider).map(({ id }) => id);
      expect(ids.length).toBeGreaterThanOrEqual(12);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it("places faults by shares of the capture, in the order of its packets", () => {
    for (const one of [...scenariosOf("zcrx"), ...scenariosOf("devmem")]) {
      const packets = faultsOf(one, 1000).map(({ packet }) => packet);
      expect(packets).toEqual([...packets].sort((a, b) => a - b));
      for (const { kind } of faultsOf(one, 1000)) expect(REAL_KINDS).toContain(kind);
    }
  });
});
