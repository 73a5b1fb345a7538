/**
 * A race of kernel functions as a small-step model: actors, each a row of steps, over a state of a
 * few words.
 *
 *      state   [fault][pc actor 0][local]..[pc actor 1]..[shared word]..[ghost]..
 *                 |        |
 *                 |        +-- index of the actor's next step; steps.length when it is done
 *                 +-- 0, or the number of the rule that was broken
 *
 * Each step is a yield point: it reads, writes or atomically changes at most ONE shared word, so
 * that every interleaving of the functions' accesses is an interleaving of steps (sequential
 * consistency; where a kernel relies on a weaker order, the pair has a step of its own for it).
 * Ghosts are the checker's own words (who holds a netmem, whether an object was freed): like a
 * sanitizer's shadow they are looked at in the step that touches the object.
 */
export type Words = Int32Array;

/** Index of the word that holds the number of the broken rule, 0 for none. */
export const FAULT = 0;

/** What a word of the state is. */
export type WordKind = "fault" | "pc" | "local" | "shared" | "ghost";

/** A place in an actor's steps, to jump to. */
export interface Label {
  pc: number;
}

/** One yield point. */
export interface Step {
  /** What is accessed and how: `uref: cmpxchg`. */
  readonly point: string;
  /** Whether the step can run now (a lock is free, a wait is over); null for always. */
  readonly ready: ((s: Words) => boolean) | null;
  /** The effect. Goes on at the label that it answers, else at `onward`. */
  readonly run: (s: Words) => Label | undefined;
  readonly onward: Label;
}

/** One thread of control. */
export interface Actor {
  readonly name: string;
  /** The kernel function that its steps spell out. */
  readonly kernel: string;
  readonly pc: number;
  readonly steps: readonly Step[];
}

/** What must never happen, and whose doing it is when it does. */
export interface RaceRule {
  /** Number in the list of invariants (DOMAIN 11), or a short name. */
  readonly invariant: number | string;
  readonly text: string;
  /** The record's owner that is left with (or without) the netmem, or the object concerned. */
  readonly owner: string;
  /** The transition at fault: a letter of the transition tables and what it does. */
  readonly transition: string;
}

/** A complete model. */
export interface RaceModel {
  readonly words: ReadonlyArray<{ readonly name: string; readonly kind: WordKind }>;
  readonly start: Words;
  readonly actors: readonly Actor[];
  /** Rule `i` has number `i + 1`; the last one is the deadlock. */
  readonly rules: readonly RaceRule[];
  /** Number of a broken rule once every actor is done, 0 for none. */
  readonly atEnd: (s: Words) => number;
}

/** Marks rule number `rule` as broken, unless one was before. */
export function fail(s: Words, rule: number): void {
  if (s[FAULT] === 0) s[FAULT] = rule;
}

/** Puts a model together. Words are numbered in the order in which they are declared. */
export class RaceBuilder {
  readonly #words: Array<{ name: string; kind: WordKind }> = [{ name: "fault", kind: "fault" }];
  readonly #start: number[] = [0];
  readonly #actors: ActorBuilder[] = [];
  readonly #rules: RaceRule[] = [];
  #atEnd: (s: Words) => number = () => 0;

  /** A word of shared kernel state; answers its index. */
  shared(name: string, init: number): number {
    return this.word(name, "shared", init);
  }

  /** `count` shared words in a row, all alike or each its own; answers the index of the first. */
  sharedArray(name: string, count: number, init: number | ((i: number) => number)): number {
    return this.#array(name, "shared", count, init);
  }

  /** A word of the checker's; answers its index. */
  ghost(name: string, init: number): number {
    return this.word(name, "ghost", init);
  }

  /** `count` ghosts in a row; answers the index of the first. */
  ghostArray(name: string, count: number, init: number | ((i: number) => number)): number {
    return this.#array(name, "ghost", count, init);
  }

  /** A rule; answers its number. */
  rule(invariant: number | string, text: string, owner: string, transition: string): number {
    return this.#rules.push({ invariant, text, owner, transition });
  }

  /** An actor that runs the steps of a kernel function. */
  actor(name: string, kernel: string): ActorBuilder {
    const pc = this.word(`${name}.pc`, "pc", 0);
    const actor = new ActorBuilder(this, { name, kernel, pc });
    this.#actors.push(actor);
    return actor;
  }

  /** What must hold once every actor is done: the number of a broken rule, or 0. */
  atEnd(check: (s: Words) => number): void {
    this.#atEnd = check;
  }

  /** Adds a word of any kind; answers its index. */
  word(name: string, kind: WordKind, init: number): number {
    this.#start.push(init);
    return this.#words.push({ name, kind }) - 1;
  }

  /** The model; the deadlock is its last rule. */
  build(): RaceModel {
    this.rule("deadlock", "every actor that is left waits for another", "lock", "none");
    return {
      words: this.#words,
      start: Int32Array.from(this.#start),
      actors: this.#actors.map((actor) => actor.actor()),
      rules: this.#rules,
      atEnd: this.#atEnd,
    };
  }

  #array(
    name: string,
    kind: WordKind,
    count: number,
    init: number | ((i: number) => number),
  ): number {
    const first = this.#words.length;
    for (let i = 0; i < count; i++) {
      this.word(`${name}[${i}]`, kind, typeof init === "number" ? init : init(i));
    }
    return first;
  }
}

/** Writes the steps of one actor down, in order. */
export class ActorBuilder {
  readonly #race: RaceBuilder;
  readonly #facts: { readonly name: string; readonly kernel: string; readonly pc: number };
  readonly #steps: Step[] = [];

  constructor(race: RaceBuilder, facts: { name: string; kernel: string; pc: number }) {
    this.#race = race;
    this.#facts = facts;
  }

  /** A variable of the actor's own (a register); answers its index. */
  local(name: string): number {
    return this.#race.word(`${this.#facts.name}.${name}`, "local", 0);
  }

  /** A place to jump to; {@link at} says where it is. */
  label(): Label {
    return { pc: -1 };
  }

  /** The next step stands at `label`. */
  at(label: Label): void {
    label.pc = this.#steps.length;
  }

  /** A step that goes on with the next one, or at `then`. */
  do(point: string, effect: (s: Words) => void, then?: Label): void {
    const run = (s: Words) => {
      effect(s);
      return undefined;
    };
    this.#push({ point, ready: null, run }, then);
  }

  /** A step that stores a value in a word, and goes on with the next one or at `then`. */
  set(point: string, word: number, value: (s: Words) => number, then?: Label): void {
    const store = (s: Words) => {
      s[word] = value(s);
    };
    this.do(point, store, then);
  }

  /** A step that loads a value into a local; goes on at `none`, if given, when it is 0. */
  load(point: string, local: number, value: (s: Words) => number, none?: Label): void {
    this.go(point, (s) => {
      s[local] = value(s);
      return s[local] === 0 ? none : undefined;
    });
  }

  /** Test-and-set: goes on with the next step if the word was 0 and is 1 now, else at `taken`. */
  testAndSet(point: string, word: number, taken: Label): void {
    this.go(point, (s) => {
      if (s[word] !== 0) return taken;
      s[word] = 1;
      return undefined;
    });
  }

  /** Goes on with the next step if `test` (which may write) holds, else at `otherwise`. */
  if(point: string, test: (s: Words) => boolean, otherwise: Label): void {
    this.go(point, (s) => (test(s) ? undefined : otherwise));
  }

  /** A step that goes on where it says, or with the next one. */
  go(point: string, run: (s: Words) => Label | undefined): void {
    this.#push({ point, ready: null, run });
  }

  /** A step that blocks until `ready`; `effect` is what it does then. */
  wait(point: string, ready: (s: Words) => boolean, effect: (s: Words) => void = () => {}): void {
    const run = (s: Words) => {
      effect(s);
      return undefined;
    };
    this.#push({ point, ready, run });
  }

  /** Takes a lock: blocks while anybody has it. `touch` looks at the object that it lies in. */
  lock(word: number, name: string, touch: (s: Words) => void = () => {}): void {
    const take = (s: Words) => {
      touch(s);
      s[word] = 1;
    };
    this.wait(`${name}: lock`, (s) => s[word] === 0, take);
  }

  /** Gives a lock back. */
  unlock(word: number, name: string, touch: (s: Words) => void = () => {}, then?: Label): void {
    const give = (s: Words) => {
      touch(s);
      s[word] = 0;
    };
    this.do(`${name}: unlock`, give, then);
  }

  /** Blocks until another actor has done all its steps. */
  waitFor(other: ActorBuilder, point: string): void {
    this.wait(point, (s) => other.isDone(s));
  }

  /** Whether all steps are done. */
  isDone(s: Words): boolean {
    return s[this.#facts.pc] === this.#steps.length;
  }

  /** The actor with its steps. */
  actor(): Actor {
    return { ...this.#facts, steps: this.#steps };
  }

  #push(step: Omit<Step, "onward">, onward?: Label): void {
    this.#steps.push({ ...step, onward: onward ?? { pc: this.#steps.length + 1 } });
  }
}

/** Whether actor `a` can take its next step in state `s`. */
export function isReady(a: Actor, s: Words): boolean {
  const step = a.steps[s[a.pc]!];
  return step !== undefined && (step.ready === null || step.ready(s));
}

/** Takes actor `a`'s next step, which must be ready. */
export function take(a: Actor, s: Words): void {
  const step = a.steps[s[a.pc]!]!;
  s[a.pc] = (step.run(s) ?? step.onward).pc;
}

/** Number of the rule that is broken in a state in which no actor can go on, 0 for none. */
export function verdictAtRest(model: RaceModel, s: Words): number {
  for (const actor of model.actors) {
    if (s[actor.pc]! < actor.steps.length) return model.rules.length;
  }
  return model.atEnd(s);
}
