import { describe, expect, test } from "vitest";
import { exploreRace, pairsOf, replayRace } from "../../../src/engine/race/explore-race.js";
import { buildRace, RACE_PAIRS } from "../../../src/engine/race/pairs.js";
import { everySchedule } from "../../../src/engine/race/schedules.js";
import { yieldPoints } from "../../../src/engine/race/yield-points.js";
import { exhaust, randomSchedules } from "./at-once.js";

const PAIRS = RACE_PAIRS.map((pair) => [pair.id, pair] as const);
const REGRESSED = RACE_PAIRS.flatMap((pair) =>
  pair.regressions.map(({ id }) => [pair.id, id] as const),
);

describe("today's rules", () => {
  test.each(PAIRS)("%s survives every interleaving", (id) => {
    const verdict = exploreRace(id, { size: 3, random: 2000 });
    expect(verdict.failure).toBeNull();
    expect(verdict.complete).toBe(true);
    expect(verdict.covered).toBeGreaterThan(1);
    expect(verdict.random.schedules).toBe(2000);
  });
});

describe("a rule put back", () => {
  test.each(REGRESSED)("%s finds %s", (id, regress) => {
    const { failure } = exploreRace(id, { regress, random: 0 });
    expect(failure).not.toBeNull();
    expect(failure?.shortest).toBe(true);
    expect(failure?.owner).not.toBe("");
    expect(failure?.transition).not.toBe("");
    const again = replayRace(id, failure!.schedule, { size: failure!.size, regress });
    expect(again.failure?.text).toBe(failure?.text);
    expect(again.steps).toEqual(failure?.steps);
  });

  test.each(REGRESSED)("%s finds %s at random too", (id, regress) => {
    const model = buildRace(RACE_PAIRS.find((pair) => pair.id === id)!, 2, regress);
    expect(randomSchedules(model, 20_000, 1).failure).not.toBeNull();
  });

  test("is known for these rows of the catalogue", () => {
    const rows = REGRESSED.map(([, id]) => id).filter((id) => /^F\d+$/.test(id));
    const sorted = rows.sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
    const races = "F1 F2 F3 F4 F5 F6 F7 F8 F11 F13 F15 F22 F25 F26 F29 F32 F34 F37";
    expect(sorted).toEqual(races.split(" "));
    expect(pairsOf("F5").map(({ id }) => id)).toEqual(["produce-free"]);
    expect(pairsOf("F40")).toEqual([]);
  });
});

describe("pruning is sound", () => {
  test.each(PAIRS)("%s: the same as every schedule one by one", (_id, pair) => {
    for (const regress of ["", ...pair.regressions.map(({ id }) => id)]) {
      const model = buildRace(pair, 1, regress);
      const pruned = exhaust(model, 1e6);
      if (pruned.schedules > 20_000) continue;
      const every = everySchedule(model);
      if (regress === "") {
        expect(every).toEqual({ schedules: pruned.schedules, rules: new Set() });
      } else if (pruned.failure !== null) expect(every.rules).toContain(pruned.failure.rule);
      else expect(every.rules.size).toBe(0);
    }
  });
});

describe("yield points", () => {
  test.each(PAIRS)("%s: no step touches two shared words", (_id, pair) => {
    for (const regress of ["", ...pair.regressions.map(({ id }) => id)]) {
      const points = yieldPoints(buildRace(pair, 2, regress), 1000, 1);
      const wide = points.filter(({ most }) => most > 1);
      expect(wide).toEqual([]);
    }
  });
});

test("at least 100,000 schedules a minute", () => {
  const started = performance.now();
  for (const [, pair] of PAIRS) randomSchedules(buildRace(pair, 6, ""), 2000, 7);
  const minutes = (performance.now() - started) / 60_000;
  expect((2000 * PAIRS.length) / minutes).toBeGreaterThan(100_000);
});

test("the same seed gives the same schedules", () => {
  const model = buildRace(RACE_PAIRS[0]!, 2, "F1");
  expect(randomSchedules(model, 500, 3)).toEqual(randomSchedules(model, 500, 3));
});
