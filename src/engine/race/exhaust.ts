import { FAULT, isReady, type RaceModel, take, verdictAtRest, type Words } from "./model.js";
import { StateStore } from "./state-store.js";

/** What an exhaustive exploration found. */
export interface Exhausted {
  /** Distinct states reached. */
  readonly states: number;
  /** Steps taken: every ready step of every state, once. */
  readonly steps: number;
  /** Complete interleavings that these steps make up; Infinity where a loop makes them endless. */
  readonly schedules: number;
  /** False when the bound on states came first. */
  readonly complete: boolean;
  /** The shortest failing schedule, as actor numbers, and the number of the broken rule. */
  readonly failure: { readonly rule: number; readonly schedule: readonly number[] } | null;
}

/**
 * Breadth-first search through all states of a model, so that a failure comes with a schedule than
 * which none is shorter.
 *
 *      level 0   s0
 *      level 1   s1 = a(s0)   s2 = b(s0)
 *      level 2   s3 = b(s1) = a(s2)  <- a and b commute here: one state, explored once
 *
 * Two orders of commuting steps lead to the same state, whose future is explored once. That prunes
 * soundly: what can be broken from a state does not depend on the way to it. Stops at the first
 * broken rule, or after `maxStates` states. {@link run} takes as many at a time as it is asked
 * for.
 */
export class Search {
  readonly #model: RaceModel;
  readonly #maxStates: number;
  readonly #store: StateStore;
  readonly #state: Words;
  /** By state: the state that it was reached from first, and the actor that stepped. */
  readonly #parent: number[] = [-1];
  readonly #by: number[] = [-1];
  /** Steps as pairs of state numbers, grouped by the state that they leave. */
  readonly #edgeTo: number[] = [];
  readonly #firstEdge: number[] = [];
  #complete = true;
  /** The state to be expanded next. */
  #from = 0;
  #failure: { rule: number; schedule: number[] } | null = null;

  constructor(model: RaceModel, maxStates: number) {
    this.#model = model;
    this.#maxStates = maxStates;
    this.#store = new StateStore(model.start.length);
    this.#state = model.start.slice();
    this.#store.add(this.#state);
  }

  /** A rule was broken. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  /** Nothing is left to expand, a rule is broken, or the bound is reached. */
  get done(): boolean {
    return !this.#complete || this.#failure !== null || this.#from >= this.#store.count;
  }

  /** Expands up to `count` states more. */
  run(count: number): void {
    for (let i = 0; i < count && !this.done; i++) {
      if (this.#store.count >= this.#maxStates) {
        this.#complete = false;
        return;
      }
      this.#firstEdge.push(this.#edgeTo.length);
      this.#expand(this.#from++);
    }
  }

  /** Stops here: what was not expanded counts as beyond the bound. */
  stop(): void {
    if (!this.done) this.#complete = false;
  }

  result(): Exhausted {
    const whole = this.#complete && this.#failure === null;
    return {
      states: this.#store.count,
      steps: this.#edgeTo.length,
      schedules: whole ? this.#countSchedules() : 0,
      complete: this.#complete,
      failure: this.#failure,
    };
  }

  /** Takes every ready step of a state; a state without one is at rest. */
  #expand(from: number): void {
    const { actors } = this.#model;
    const s = this.#state;
    let ready = 0;
    for (let a = 0; a < actors.length; a++) {
      this.#store.read(from, s);
      const actor = actors[a]!;
      if (!isReady(actor, s)) continue;
      ready++;
      take(actor, s);
      const before = this.#store.count;
      const to = this.#store.add(s);
      if (to === before) {
        this.#parent.push(from);
        this.#by.push(a);
      }
      this.#edgeTo.push(to);
      if (s[FAULT] !== 0) {
        this.#fail(to, s[FAULT]!);
        return;
      }
    }
    if (ready > 0) return;
    this.#store.read(from, s);
    const rule = verdictAtRest(this.#model, s);
    if (rule !== 0) this.#fail(from, rule);
  }

  #fail(state: number, rule: number): void {
    const schedule: number[] = [];
    for (let at = state; this.#by[at]! >= 0; at = this.#parent[at]!) schedule.push(this.#by[at]!);
    this.#failure = { rule, schedule: schedule.reverse() };
  }

  /** Paths from the start to a state at rest, by Kahn's order over the graph of states. */
  #countSchedules(): number {
    const count = this.#store.count;
    const entries = new Int32Array(count);
    for (const to of this.#edgeTo) entries[to]!++;
    const paths = new Float64Array(count);
    paths[0] = 1;
    const queue = [0];
    let total = 0;
    for (const from of queue) {
      const first = this.#firstEdge[from]!;
      const end = this.#firstEdge[from + 1] ?? this.#edgeTo.length;
      if (first === end) total += paths[from]!;
      for (let e = first; e < end; e++) {
        const to = this.#edgeTo[e]!;
        paths[to]! += paths[from]!;
        if (--entries[to]! === 0) queue.push(to);
      }
    }
    return queue.length === count ? total : Number.POSITIVE_INFINITY;
  }
}
