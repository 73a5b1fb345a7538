import { describe, expect, it } from "vitest";
import type { RunRecord } from "../../../src/replay/record/schema.js";
import { checksOf, runOf } from "../../../src/replay/vm/checks.js";
import type { GuestResult } from "../../../src/replay/vm/guest/job.js";
import { SCENARIOS, scenariosOf } from "../../../src/replay/vm/scenarios.js";

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
    drops: {},
    tcp: {},
    ...changes,
  } as RunRecord;
}

const result: GuestResult = { status: 0, stdout: "", stderr: "", poolsLeft: 0, inflightLeft: 0 };
const scenario = (id: string) => SCENARIOS.find((one) => one.id === id)!;
const differing = (id: string, guest: RunRecord | null, ended: Partial<GuestResult> = {}) =>
  checksOf({ scenario: scenario(id), model: run({}), guest, result: { ...result, ...ended } })
    .filter(({ same }) => !same)
    .map(({ what }) => what);

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
      "pools of the provider left",
      "inflight after the end",
    ]);
    expect(differing("killed", null)).toEqual([]);
  });

  it("finds a run that gave no record, and says what it said", () => {
    const stdout = JSON.stringify({ error: { message: "no such queue" } });
    const checks = checksOf({
      scenario: scenario("steady"),
      model: run({}),
      guest: runOf({ ...result, stdout }),
      result: { ...result, stdout },
    });
    expect(checks.find(({ what }) => what === "record")?.guest).toBe("no such queue");
  });

  it("wants drops at the NIC where memory ran out, and no zero window", () => {
    const model = run({ drops: { RX_HW_DROP_OVERRUNS: 5 } });
    const sides = { scenario: scenario("hoarder"), model, result };
    const guest = run({ drops: {}, tcp: { TCPToZeroWindowAdv: 1 } });
    const found = checksOf({ ...sides, guest }).filter(({ same }) => !same);
    expect(found.map(({ what }) => what)).toEqual(["drops at the NIC", "zero window"]);
  });

  it("has ten scenarios or more for each provider", () => {
    for (const provider of ["zcrx", "devmem"] as const) {
      expect(scenariosOf(provider).length).toBeGreaterThanOrEqual(10);
    }
  });
});
