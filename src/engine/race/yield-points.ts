import { Prng } from "../clock/prng.js";
import { FAULT, isReady, type RaceModel, take } from "./model.js";

/** A yield point as met in runs: which shared words its step touched. */
export interface YieldPoint {
  readonly actor: string;
  readonly kernel: string;
  readonly point: string;
  /** Names of the shared words that one run of the step read or wrote, over all runs. */
  readonly words: readonly string[];
  /** The most shared words that a single run of the step touched; -1 if it never ran. */
  readonly most: number;
}

/**
 * Watches a model at work: runs `runs` random schedules over a state that notes every access, and
 * tells of each step which shared words it touched. This is what the table of yield points is
 * made from, so that it says what the steps do and not what somebody wrote of them.
 */
export function yieldPoints(model: RaceModel, runs: number, seed: number): YieldPoint[] {
  const seen = new Map<number, { words: Set<number>; most: number }>();
  const touched = new Set<number>();
  const state = model.start.slice();
  const watched = watch(state, (word) => {
    if (model.words[word]!.kind === "shared") touched.add(word);
  });
  const prng = new Prng(seed);
  const { actors } = model;
  for (let run = 0; run < runs; run++) {
    state.set(model.start);
    for (;;) {
      const ready = actors.filter((actor) => isReady(actor, state));
      if (ready.length === 0 || state[FAULT] !== 0) break;
      const actor = ready[prng.below(ready.length)]!;
      const key = actors.indexOf(actor) * 4096 + state[actor.pc]!;
      touched.clear();
      take(actor, watched);
      const entry = seen.get(key) ?? { words: new Set<number>(), most: 0 };
      for (const word of touched) entry.words.add(word);
      entry.most = Math.max(entry.most, touched.size);
      seen.set(key, entry);
    }
  }
  return actors.flatMap((actor, a) =>
    actor.steps.map(({ point }, i) => {
      const entry = seen.get(a * 4096 + i);
      const words = [...(entry?.words ?? [])].map((word) => model.words[word]!.name);
      const { name, kernel } = actor;
      return { actor: name, kernel, point, words: words.sort(), most: entry?.most ?? -1 };
    }),
  );
}

/** The same words, with every access told to `note`. */
function watch(state: Int32Array, note: (word: number) => void): Int32Array {
  return new Proxy(state, {
    get(target, key) {
      note(Number(key));
      return target[Number(key)];
    },
    set(target, key, value) {
      note(Number(key));
      target[Number(key)] = value as number;
      return true;
    },
  });
}
