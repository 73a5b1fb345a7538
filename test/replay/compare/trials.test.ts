import { describe, expect, it } from "vitest";
import { runTrials, type Subject, trialOrder } from "../../../src/replay/compare/trials.js";

/** Subjects that write down when they run and take no time. */
function mocks(names: readonly string[], log: string[], after?: (label: string) => void) {
  return names.map(
    (label): Subject => ({
      label,
      run: async () => {
        log.push(label);
        after?.(label);
        return { records: [], exitCode: 0 };
      },
    }),
  );
}

const calm = { signal: new AbortController().signal };

describe("trials", () => {
  it("run every subject once a round, warm-up first and thrown away", async () => {
    const log: string[] = [];
    const plan = { repetitions: 3, warmup: 2, seed: 5 };
    const kept = await runTrials(mocks(["a", "b", "c"], log), plan, calm);
    expect(log).toHaveLength(15);
    for (let round = 0; round < 5; round++) {
      expect(log.slice(3 * round, 3 * round + 3).sort()).toEqual(["a", "b", "c"]);
    }
    expect(kept).toHaveLength(9);
    expect(kept.map(({ round }) => round)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(kept.slice(0, 3).map(({ subject }) => "abc"[subject])).toEqual(log.slice(6, 9));
  });

  it("are in an order that the seed draws anew for each round", () => {
    const plan = { repetitions: 30, warmup: 0, seed: 1 };
    const orders = trialOrder(2, plan);
    expect(trialOrder(2, plan)).toEqual(orders);
    expect(trialOrder(2, { ...plan, seed: 2 })).not.toEqual(orders);
    const first = orders.filter(([subject]) => subject === 0).length;
    expect(first).toBeGreaterThan(7);
    expect(first).toBeLessThan(23);
  });

  it("tell each kept trial at once, and end when they are told to", async () => {
    const log: string[] = [];
    const seen: number[] = [];
    const kept = await runTrials(
      mocks(["a"], log),
      { repetitions: 9, warmup: 1, seed: 1 },
      {
        ...calm,
        onTrial: async (_, all) => {
          seen.push(all.length);
          return all.length === 4 ? "stop" : "go";
        },
      },
    );
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(kept).toHaveLength(4);
    expect(log).toHaveLength(5);
  });

  it("end at an interrupt, without the trial that it cut", async () => {
    const controller = new AbortController();
    const log: string[] = [];
    const subjects = mocks(["a", "b"], log, () => {
      if (log.length === 4) controller.abort();
    });
    const plan = { repetitions: 9, warmup: 0, seed: 1 };
    const kept = await runTrials(subjects, plan, { signal: controller.signal });
    expect(log).toHaveLength(4);
    expect(kept).toHaveLength(3);
  });
});
