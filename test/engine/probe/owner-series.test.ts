import { describe, expect, it } from "vitest";
import { SKB } from "../../../src/engine/netmem/state.js";
import {
  OWNER_COLUMNS,
  OWNER_POINTS,
  OwnerSeries,
} from "../../../src/engine/probe/owner-series.js";
import fc from "../../support/property.js";

/** A series over one pool, and what the stack holds in it. */
function rig() {
  const counts = new Int32Array(32);
  const series = new OwnerSeries({ ledger: { counts }, payloadPools: () => [1] });
  return {
    series,
    /** A step of the path at `nowNs`, after which the stack holds `held`. */
    step(nowNs: number, held: number) {
      if (series.dueNs <= nowNs) series.sample(nowNs);
      counts[16 + SKB] = held;
    },
  };
}

/** What the series says the stack held at a time. */
function heldAt(series: OwnerSeries, timeNs: number): number {
  let held = 0;
  for (let i = 0; i < series.count && series.timesNs[i]! <= timeNs; i++) {
    held = series.owners[i * OWNER_COLUMNS + 3]!;
  }
  return held;
}

describe("owners over time", () => {
  it("hold what was true at each of their times, however long the run and its gaps", () => {
    const gap = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 10 ** 12 }));
    const steps = fc.array(fc.tuple(gap, fc.nat(1000)), {
      minLength: 1,
      maxLength: 3000,
      size: "max",
    });
    fc.assert(
      fc.property(steps, (path) => {
        const { series, step } = rig();
        const truth: Array<[number, number]> = [];
        let nowNs = 0;
        for (const [afterNs, held] of path) {
          nowNs += afterNs;
          step(nowNs, held);
          truth.push([nowNs, held]);
        }
        series.finish(nowNs);
        expect(series.count).toBeLessThan(OWNER_POINTS);
        let at = 0;
        for (let i = 0; i < series.count; i++) {
          const timeNs = series.timesNs[i]!;
          if (i > 0) expect(timeNs).toBeGreaterThan(series.timesNs[i - 1]!);
          while (at < truth.length && truth[at]![0] < timeNs) at++;
          const held = at === 0 ? 0 : truth[at - 1]![1];
          if (i < series.count - 1) expect(heldAt(series, timeNs)).toBe(held);
        }
        expect(heldAt(series, Number.POSITIVE_INFINITY)).toBe(truth.at(-1)![1]);
      }),
      // Shrinking paths of thousands of steps could go on for hours.
      { numRuns: 60, interruptAfterTimeLimit: 30_000 },
    );
  });

  it("say at a point that thinning moved beyond the end what was true at the end", () => {
    for (let steps = 480; steps < 1100; steps++) {
      const { series, step } = rig();
      for (let i = 1; i <= steps; i++) step(i * 1024, i);
      series.finish(steps * 1024);
      const endNs = steps * 1024 + 1;
      for (let i = 0; i < series.count; i++) {
        const timeNs = series.timesNs[i]!;
        const held = Math.min(steps, Math.ceil(timeNs / 1024) - 1);
        const mine = series.owners[i * OWNER_COLUMNS + 3];
        if (timeNs >= endNs) expect(mine, `${steps} steps`).toBe(steps);
        else if (i < series.count - 1) expect(mine, `${steps} steps`).toBe(Math.max(0, held));
      }
    }
  });

  it("go on over a moved epoch", () => {
    const { series, step } = rig();
    step(10_000, 1);
    step(20_000, 2);
    const century = 3_155_760_000e9;
    series.rebase(century);
    step(5_000, 3);
    step(50_000, 4);
    series.finish(60_000);
    const times = Array.from(series.timesNs.subarray(0, series.count));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(century);
    expect(heldAt(series, century + 40_000)).toBe(3);
    expect(heldAt(series, century + 100_000)).toBe(4);
  });
});
