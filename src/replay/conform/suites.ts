import { Prng } from "../../engine/clock/prng.js";
import type { ProviderModule } from "../../engine/provider/plugin.js";
import type { ClauseName, Counterexample, SuiteTally } from "../record/conform-document.js";
import { randomTrial, runTrial, shrink, type Trial } from "./trial.js";
import type { Op, WorldSize } from "./world.js";

/** What a suite found: a counterexample for each clause that it saw broken. */
export interface SuiteResult {
  readonly tally: SuiteTally;
  readonly broken: ReadonlyArray<readonly [ClauseName, Counterexample]>;
}

/** What a suite works with. */
export interface SuiteInput {
  readonly module: ProviderModule;
  readonly seed: number;
  /** Told before each call into the plug-in. */
  onCall(op: string): void;
}

/** A part of the test: its name, and what it does. */
export type Suite = readonly [name: string, run: (input: SuiteInput) => SuiteResult];

/** Trials that a suite may spend on making one counterexample smaller. */
const SHRINK_BUDGET = 4000;
/** A suite stops after so many failing trials. */
const ENOUGH_FAILING = 50;
/** Random trials of the state machine. */
const MACHINE_TRIALS = 600;
const SMALL: WorldSize = { netmems: 4, netmemBytes: 4096, ring: 2 };

/** Collects the smallest counterexample of each clause over the trials of a suite. */
class Collector {
  readonly #input: SuiteInput;
  readonly #suite: string;
  readonly #broken = new Map<ClauseName, Counterexample>();
  #runs = 0;
  #failing = 0;
  #operations = 0;

  constructor(suite: string, input: SuiteInput) {
    this.#suite = suite;
    this.#input = input;
  }

  /** True when so many trials failed that more would tell nothing new. */
  get enough(): boolean {
    return this.#failing >= ENOUGH_FAILING;
  }

  /** Runs a trial; shrinks the first one that breaks a clause. Answers its story. */
  run(trial: Trial, seed: number | null): readonly string[] {
    const { module, onCall } = this.#input;
    const result = runTrial(module, trial, onCall);
    this.#runs++;
    this.#operations += result.operations;
    if (result.clause !== null) this.#failing++;
    if (result.clause !== null && !this.#broken.has(result.clause)) {
      const least = shrink(module, trial, result.clause, SHRINK_BUDGET, onCall);
      const again = runTrial(module, least, onCall);
      // A provider that is not deterministic may behave when it is run again.
      const [shown, { message, story }] =
        again.clause === result.clause ? [least, again] : [trial, result];
      this.add(result.clause, { message, story, size: shown.size, seed });
    }
    return result.story;
  }

  /** Notes a broken clause. */
  add(
    clause: ClauseName,
    found: { message: string; story: readonly string[]; size: WorldSize; seed: number | null },
  ): void {
    const { message, story, seed } = found;
    const { netmems, netmemBytes } = found.size;
    const suite = this.#suite;
    this.#broken.set(clause, { suite, message, netmems, netmemBytes, seed, steps: story });
  }

  result(): SuiteResult {
    // Who answers otherwise each time would do so with another provider at work, too.
    if (this.#broken.has("deterministic")) this.#broken.delete("isolated");
    const tally = { runs: this.#runs, operations: this.#operations, complete: true };
    return { tally: { suite: this.#suite, ...tally }, broken: [...this.#broken] };
  }
}

/** Fault plans: what a provider meets when things go wrong around it, one by one. */
const FAULTS: ReadonlyArray<readonly Op[]> = [
  // Nothing happens at all; a pool is made and ends.
  [],
  [
    ["pool", 0],
    ["destroy", 0],
  ],
  // Allocation fails: the area is out, and again after some came back.
  [
    ["pool", 0],
    ["exhaust", 0],
    ["alloc", 0],
    ["drop", 0],
    ["exhaust", 0],
    ["alloc", 0],
  ],
  // The pool is destroyed with netmems in flight; they come late, one by one.
  [
    ["pool", 0],
    ["exhaust", 0],
    ["deliver", 0],
    ["deliver", 0],
    ["destroy", 0],
    ["put", 0],
    ["retry", 0],
    ["put", 0],
    ["retry", 0],
  ],
  // A restart: the new pool is made before the old one goes, whose netmems come late.
  [
    ["pool", 0],
    ["exhaust", 0],
    ["deliver", 0],
    ["pool", 0],
    ["alloc", 1],
    ["destroy", 0],
    ["alloc", 0],
    ["put", 0],
    ["retry", 0],
    ["exhaust", 0],
  ],
  // The new pool goes first (start failed), the old one goes on.
  [
    ["pool", 0],
    ["alloc", 0],
    ["pool", 0],
    ["alloc", 1],
    ["destroy", 1],
    ["exhaust", 0],
    ["drop", 0],
  ],
  // The device goes with references out; they come back afterwards.
  [
    ["pool", 0],
    ["exhaust", 0],
    ["deliver", 0],
    ["deliver", 0],
    ["share", 0],
    ["uninstall", 0],
    ["put", 0],
    ["put", 0],
    ["retry", 0],
    ["putAll", 0],
    ["retry", 0],
  ],
  // The device goes with everything at home.
  [
    ["pool", 0],
    ["alloc", 0],
    ["drop", 0],
    ["uninstall", 0],
  ],
];

function faults(input: SuiteInput): SuiteResult {
  const found = new Collector("faults", input);
  for (const ops of FAULTS) {
    for (const netmems of [1, 4, 100]) found.run({ size: { ...SMALL, netmems }, ops }, null);
  }
  return found.result();
}

function stateMachine(input: SuiteInput): SuiteResult {
  const found = new Collector("state machine", input);
  for (let i = 0; i < MACHINE_TRIALS && !found.enough; i++) {
    const seed = (input.seed * 1_000_003 + i) >>> 0;
    found.run(randomTrial(seed), seed);
  }
  return found.result();
}

/** Who calls a provider: two queues' pools, the reader, and the device. */
const ACTORS: ReadonlyArray<readonly Op[]> = [
  [
    ["pool", 0],
    ["alloc", 0],
    ["deliver", 0],
    ["destroy", 0],
  ],
  [
    ["pool", 0],
    ["alloc", 1],
  ],
  [
    ["put", 0],
    ["retry", 0],
  ],
  [["uninstall", 0]],
];

/** Every interleaving of the actors' calls, at the boundary of the contract. */
function exploration(input: SuiteInput): SuiteResult {
  const found = new Collector("exploration", input);
  const size = { ...SMALL, netmems: 3 };
  const next = ACTORS.map(() => 0);
  const chosen: Op[] = [];
  const tried: number[] = [];
  const total = ACTORS.reduce((sum, actor) => sum + actor.length, 0);
  for (let from = 0; ; ) {
    const actor = ACTORS.findIndex((ops, a) => a >= from && next[a]! < ops.length);
    if (actor >= 0) {
      chosen.push(ACTORS[actor]![next[actor]!]!);
      next[actor]!++;
      tried.push(actor);
      from = 0;
      if (chosen.length < total) continue;
      found.run({ size, ops: [...chosen] }, null);
    }
    // Back to the last choice that has another actor to try.
    const last = tried.pop();
    if (last === undefined || found.enough) return found.result();
    chosen.pop();
    next[last]!--;
    from = last + 1;
  }
}

/** The same calls twice on fresh providers, and with another provider called in between. */
function determinism(input: SuiteInput): SuiteResult {
  const found = new Collector("determinism", input);
  const prng = new Prng(input.seed);
  for (let i = 0; i < 40 && !found.enough; i++) {
    const seed = prng.next();
    const trial = randomTrial(seed);
    const other = randomTrial(prng.next());
    const first = found.run(trial, seed);
    const second = found.run(trial, seed);
    differs(found, "deterministic", { trial, seed, first, second });
    // The other provider's whole life lies between two calls of the first one.
    const half = trial.ops.length >> 1;
    const between = (calls: number) => {
      if (calls === half) runTrial(input.module, other, input.onCall);
    };
    const nested = calledBetween(input.module, between);
    const third = runTrial(nested, trial, input.onCall).story;
    if (String(first) === String(second)) {
      differs(found, "isolated", { trial, seed, first, second: third });
    }
  }
  return found.result();
}

/** The same module, `between` called before each allocNetmems with the number of calls so far. */
function calledBetween(module: ProviderModule, between: (calls: number) => void): ProviderModule {
  const create: ProviderModule["create"] = (area) => {
    const inner = module.create(area);
    let calls = 0;
    return {
      init: (pool) => inner.init(pool),
      destroy: (pool) => inner.destroy(pool),
      allocNetmems: (pool) => {
        between(calls++);
        return inner.allocNetmems(pool);
      },
      releaseNetmem: (pool, netmem) => inner.releaseNetmem(pool, netmem),
      uninstall: (queue) => inner.uninstall?.(queue),
      freeNetmems: () => inner.freeNetmems(),
    };
  };
  return { contract: module.contract, name: module.name, create };
}

function differs(
  found: Collector,
  clause: ClauseName,
  run: { trial: Trial; seed: number; first: readonly string[]; second: readonly string[] },
): void {
  const at = run.first.findIndex((line, i) => line !== run.second[i]);
  if (at < 0 && run.first.length === run.second.length) return;
  const place = at < 0 ? run.first.length : at;
  const [once, then] = [run.first[place] ?? "the end", run.second[place] ?? "the end"];
  const message = `step ${place + 1} was once "${once}" and then "${then}"`;
  const story = run.first.slice(0, place + 1);
  found.add(clause, { message, story, size: run.trial.size, seed: run.seed });
}

/** Everything that a provider goes through once it is loaded, in this order. */
export const SUITES: readonly Suite[] = [
  ["faults", faults],
  ["state machine", stateMachine],
  ["exploration", exploration],
  ["determinism", determinism],
];
