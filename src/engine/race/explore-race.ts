import { Search } from "./exhaust.js";
import type { RaceModel, RaceRule } from "./model.js";
import type { RacePair } from "./pair.js";
import { buildRace, RACE_PAIRS, racePair } from "./pairs.js";
import { RandomSchedules, runSchedule } from "./schedules.js";

/** How far an exploration goes. */
export interface RaceBounds {
  /** Netmems or rounds: models of 1 up to so many are explored exhaustively. */
  readonly size: number;
  /** States of one model at most; beyond them only random schedules look. */
  readonly maxStates: number;
  /** Whole random schedules of the model of twice the size. */
  readonly random: number;
  readonly seed: number;
}

/** What `netmem explore` uses unless told otherwise. */
export const DEFAULT_BOUNDS: RaceBounds = { size: 3, maxStates: 250_000, random: 20_000, seed: 1 };

/** One step of a schedule, in words. */
export interface RaceStep {
  readonly actor: string;
  /** The kernel function that the actor is in. */
  readonly kernel: string;
  readonly point: string;
}

/** A schedule that breaks a rule. */
export interface RaceFailure extends RaceRule {
  /** Size of the model that it is a schedule of. */
  readonly size: number;
  /** Actor names in the order of their steps. */
  readonly schedule: readonly string[];
  readonly steps: readonly RaceStep[];
  /** True if none of this size is shorter (found breadth first), false if it was met at random. */
  readonly shortest: boolean;
}

/** What the exploration of one pair came to. */
export interface RaceVerdict {
  readonly pair: string;
  readonly title: string;
  /** The rule that was put back, empty for today's rules. */
  readonly regress: string;
  readonly actors: ReadonlyArray<{ name: string; kernel: string; points: number }>;
  /** Size of the largest model explored exhaustively; the figures below are its. */
  readonly size: number;
  readonly states: number;
  /** Steps taken in the exhaustive part. */
  readonly transitions: number;
  /** Complete interleavings that the exhaustive part covers; 0 when it did not come to its end. */
  readonly covered: number;
  /** Whether every state was reached (or a failure ended the search). */
  readonly complete: boolean;
  readonly random: { readonly schedules: number; readonly steps: number; readonly size: number };
  readonly failure: RaceFailure | null;
}

/** One run of a given schedule. */
export interface RaceReplay {
  readonly steps: readonly RaceStep[];
  readonly failure: RaceFailure | null;
  /** False if actors have steps left behind the schedule. */
  readonly complete: boolean;
}

/** States, and random schedules, that {@link RaceExploration.run} takes at a time. */
const PORTION = { states: 4096, schedules: 2048 };

/**
 * The exploration of one pair in portions, so that whoever drives it can stop in between.
 *
 *      size 1 ... size n, exhaustively: small models first, so that a failure is a small one
 *      then random schedules of a model of twice the largest size, unless one failed
 */
export class RaceExploration {
  readonly #pair: RacePair;
  readonly #bounds: RaceBounds;
  readonly #regress: string;
  #size = 1;
  #model: RaceModel;
  #search: Search;
  #larger: RaceModel | null = null;
  #random: RandomSchedules | null = null;

  /** @throws Error for an unknown pair, or a regression that the pair does not have. */
  constructor(pairId: string, options: Partial<RaceBounds> & { readonly regress?: string } = {}) {
    this.#regress = options.regress ?? "";
    this.#pair = knownPair(pairId, this.#regress);
    this.#bounds = { ...DEFAULT_BOUNDS, ...options };
    this.#model = buildRace(this.#pair, 1, this.#regress);
    this.#search = new Search(this.#model, this.#bounds.maxStates);
  }

  /** Nothing is left to do. */
  get done(): boolean {
    const { size, random } = this.#bounds;
    if (!this.#search.done) return false;
    if (this.#search.failed) return true;
    return this.#size >= size && (this.#random?.schedules ?? 0) >= random;
  }

  /** A portion more. */
  run(): void {
    if (!this.#search.done) {
      this.#search.run(PORTION.states);
      return;
    }
    if (this.done) return;
    const { size, maxStates, random, seed } = this.#bounds;
    if (this.#size < size) {
      this.#model = buildRace(this.#pair, ++this.#size, this.#regress);
      this.#search = new Search(this.#model, maxStates);
      return;
    }
    this.#larger ??= buildRace(this.#pair, size * 2, this.#regress);
    this.#random ??= new RandomSchedules(this.#larger, seed);
    this.#random.run(Math.min(PORTION.schedules, random - this.#random.schedules));
  }

  /** What it came to so far; what was not looked at counts as beyond the bound. */
  verdict(): RaceVerdict {
    this.#search.stop();
    const model = this.#model;
    const found = this.#search.result();
    const runs = this.#random;
    const size = this.#bounds.size * 2;
    const failure =
      found.failure !== null
        ? describe(model, this.#size, found.failure, true)
        : describe(this.#larger ?? model, size, runs?.failure ?? null, false);
    return {
      pair: this.#pair.id,
      title: this.#pair.title,
      regress: this.#regress,
      actors: model.actors.map((actor) => ({
        name: actor.name,
        kernel: actor.kernel,
        points: actor.steps.length,
      })),
      size: this.#size,
      states: found.states,
      transitions: found.steps,
      covered: found.schedules,
      complete: found.complete,
      random: { schedules: runs?.schedules ?? 0, steps: runs?.steps ?? 0, size },
      failure,
    };
  }
}

/**
 * Explores one pair: every interleaving up to `maxStates` states, then random ones of a model twice
 * as large. `regress` puts a rule back (an id of the pair's `regressions`).
 *
 * @throws Error for an unknown pair, or a regression that the pair does not have.
 */
export function exploreRace(
  pairId: string,
  options: Partial<RaceBounds> & { readonly regress?: string } = {},
): RaceVerdict {
  const exploration = new RaceExploration(pairId, options);
  while (!exploration.done) exploration.run();
  return exploration.verdict();
}

/**
 * Runs one schedule of a pair, given as actor names.
 *
 * @throws Error for an unknown pair, regression or actor, and for an actor that cannot step where
 *   the schedule says it does.
 */
export function replayRace(
  pairId: string,
  schedule: readonly string[],
  options: { readonly size: number; readonly regress: string },
): RaceReplay {
  const model = buildRace(knownPair(pairId, options.regress), options.size, options.regress);
  const names = model.actors.map((actor) => actor.name);
  const numbers = schedule.map((name, i) => {
    const at = names.indexOf(name);
    if (at >= 0) return at;
    throw new Error(`place ${i + 1}: no actor ${name}; there are ${names.join(", ")}`);
  });
  const run = runSchedule(model, numbers);
  const failed = run.rule === 0 ? null : { rule: run.rule, schedule: numbers };
  return {
    steps: inWords(model, numbers),
    failure: describe(model, options.size, failed, false),
    complete: run.complete,
  };
}

/** The pairs that find a regression, such as `F5`; none if it is no race. */
export function pairsOf(regress: string): readonly RacePair[] {
  return RACE_PAIRS.filter((pair) => pair.regressions.some(({ id }) => id === regress));
}

function knownPair(id: string, regress: string): RacePair {
  const pair = racePair(id);
  if (pair === undefined) throw new Error(`no race pair ${id}`);
  const known = pair.regressions.map((each) => each.id);
  if (regress !== "" && !known.includes(regress)) {
    throw new Error(`${id} has no regression ${regress}; it has ${known.join(", ")}`);
  }
  return pair;
}

function describe(
  model: RaceModel,
  size: number,
  failure: { readonly rule: number; readonly schedule: readonly number[] } | null,
  shortest: boolean,
): RaceFailure | null {
  if (failure === null) return null;
  return {
    ...model.rules[failure.rule - 1]!,
    size,
    schedule: failure.schedule.map((a) => model.actors[a]!.name),
    steps: inWords(model, failure.schedule),
    shortest,
  };
}

/** The steps of a schedule: each actor's place is where its own steps and jumps have led it. */
function inWords(model: RaceModel, schedule: readonly number[]): RaceStep[] {
  return schedule.map((a, i) => {
    const { state } = runSchedule(model, schedule.slice(0, i));
    const { name, kernel, pc, steps } = model.actors[a]!;
    return { actor: name, kernel, point: steps[state[pc]!]?.point ?? "none" };
  });
}
