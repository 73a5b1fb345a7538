import { describe, expect, it } from "vitest";
import { filtersOf } from "../../src/engine/backend/net/ntuple.js";
import type { SteerRule } from "../../src/engine/driver/steering.js";
import { parseSteer } from "../../src/replay/plan/steer.js";

const filters = (text: string) => filtersOf(parseSteer(text) as SteerRule[]);

describe("--steer as ntuple filters", () => {
  it("stands for both families where no address is named", () => {
    expect(filters("dst port 443")).toEqual([
      { dport: 443, v6: false },
      { dport: 443, v6: true },
    ]);
  });

  it("stands for one filter an end where either end may match", () => {
    expect(filters("port 80")).toEqual([
      { sport: 80, v6: false },
      { sport: 80, v6: true },
      { dport: 80, v6: false },
      { dport: 80, v6: true },
    ]);
    expect(filters("host 10.0.0.1 and src port 5")).toEqual([
      { sport: 5, saddr: Uint8Array.of(10, 0, 0, 1), v6: false },
      { sport: 5, daddr: Uint8Array.of(10, 0, 0, 1), v6: false },
    ]);
  });

  it("keeps to the family of an address, and to none where two disagree", () => {
    expect(filters("src host ::1").map(({ v6 }) => v6)).toEqual([true]);
    expect(filters("src host ::1 and dst host 10.0.0.1")).toEqual([]);
  });

  it("adds up the rules that `or` joins", () => {
    expect(filters("src host 10.0.0.1 or dst host 10.0.0.2")).toHaveLength(2);
  });
});
