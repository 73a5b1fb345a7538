import { type Exhausted, Search } from "../../../src/engine/race/exhaust.js";
import type { RaceModel } from "../../../src/engine/race/model.js";
import { type RandomRuns, RandomSchedules } from "../../../src/engine/race/schedules.js";

/** All states of a model in one go. */
export function exhaust(model: RaceModel, maxStates: number): Exhausted {
  const search = new Search(model, maxStates);
  while (!search.done) search.run(maxStates);
  return search.result();
}

/** `count` random schedules in one go. */
export function randomSchedules(model: RaceModel, count: number, seed: number): RandomRuns {
  const runs = new RandomSchedules(model, seed);
  runs.run(count);
  const { schedules, steps, failure } = runs;
  return { schedules, steps, failure };
}
