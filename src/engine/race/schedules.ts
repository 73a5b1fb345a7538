import { Prng } from "../clock/prng.js";
import { FAULT, isReady, type RaceModel, take, verdictAtRest, type Words } from "./model.js";

/** A run of one schedule. */
export interface ScheduleRun {
  /** Actor numbers, in the order of their steps. */
  readonly schedule: readonly number[];
  /** Number of the broken rule, 0 for none. */
  readonly rule: number;
  /** The state behind the last step. */
  readonly state: Words;
  /** False when actors have steps left (the schedule given was a prefix). */
  readonly complete: boolean;
}

/** What random schedules found; of several failures the shortest. */
export interface RandomRuns {
  readonly schedules: number;
  readonly steps: number;
  readonly failure: { readonly rule: number; readonly schedule: readonly number[] } | null;
}

/**
 * Whole schedules of a model, each next actor drawn evenly from those that are ready; as many at a
 * time as {@link run} is asked for. Same seed, same schedules, however they are portioned.
 */
export class RandomSchedules implements RandomRuns {
  schedules = 0;
  steps = 0;
  failure: { rule: number; schedule: number[] } | null = null;
  readonly #model: RaceModel;
  readonly #prng: Prng;
  readonly #state: Words;
  readonly #ready: Int32Array;
  readonly #taken: number[] = [];

  constructor(model: RaceModel, seed: number) {
    this.#model = model;
    this.#prng = new Prng(seed);
    this.#state = model.start.slice();
    this.#ready = new Int32Array(model.actors.length);
  }

  /** Runs `count` more. */
  run(count: number): void {
    for (let i = 0; i < count; i++) this.#one();
    this.schedules += count;
  }

  #one(): void {
    const model = this.#model;
    const { actors } = model;
    const s = this.#state;
    const ready = this.#ready;
    const taken = this.#taken;
    s.set(model.start);
    taken.length = 0;
    for (;;) {
      let n = 0;
      for (let a = 0; a < actors.length; a++) if (isReady(actors[a]!, s)) ready[n++] = a;
      if (n === 0 || s[FAULT] !== 0) break;
      const a = ready[this.#prng.below(n)]!;
      take(actors[a]!, s);
      taken.push(a);
    }
    this.steps += taken.length;
    const rule = s[FAULT] !== 0 ? s[FAULT]! : verdictAtRest(model, s);
    const { failure } = this;
    if (rule !== 0 && (failure === null || taken.length < failure.schedule.length)) {
      this.failure = { rule, schedule: taken.slice() };
    }
  }
}

/**
 * Runs one given schedule. An actor that cannot step when its turn comes ends it.
 *
 * @throws Error naming the first place of the schedule at which its actor cannot step.
 */
export function runSchedule(model: RaceModel, schedule: readonly number[]): ScheduleRun {
  const s = model.start.slice();
  schedule.forEach((a, i) => {
    const actor = model.actors[a];
    if (actor === undefined) throw new Error(`place ${i + 1}: no actor number ${a}`);
    if (s[FAULT] === 0 && !isReady(actor, s)) {
      const done = s[actor.pc]! >= actor.steps.length;
      throw new Error(`place ${i + 1}: ${actor.name} ${done ? "is done" : "has to wait"}`);
    }
    if (s[FAULT] === 0) take(actor, s);
  });
  const complete = !model.actors.some((actor) => isReady(actor, s));
  const rule = s[FAULT] !== 0 ? s[FAULT]! : complete ? verdictAtRest(model, s) : 0;
  return { schedule, rule, state: s, complete };
}

/**
 * Every schedule of a model, one by one and without any pruning: depth first, each from the start
 * to rest. For small models, to hold the search of exhaust.ts against. Answers how many there are,
 * and the rules that some of them break.
 */
export function everySchedule(model: RaceModel): { schedules: number; rules: Set<number> } {
  const { actors } = model;
  const rules = new Set<number>();
  const stack: Array<{ readonly state: Words; next: number }> = [
    { state: model.start.slice(), next: 0 },
  ];
  let schedules = 0;
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const a = top.next++;
    if (a === 0) {
      const atRest = !actors.some((actor) => isReady(actor, top.state));
      if (atRest || top.state[FAULT] !== 0) {
        const rule = top.state[FAULT] || verdictAtRest(model, top.state);
        if (rule !== 0) rules.add(rule);
        schedules++;
        stack.pop();
        continue;
      }
    }
    if (a >= actors.length) {
      stack.pop();
      continue;
    }
    if (!isReady(actors[a]!, top.state)) continue;
    const state = top.state.slice();
    take(actors[a]!, state);
    stack.push({ state, next: 0 });
  }
  return { schedules, rules };
}
