import { Prng } from "../../engine/clock/prng.js";
import type { NetmemRecord } from "../record/schema.js";

/** What one replay of a subject gave. */
export interface TrialResult {
  /** One a capture. */
  readonly records: readonly NetmemRecord[];
  /** The exit code that the replay alone would have had. */
  readonly exitCode: number;
}

/** Something that can be replayed again and again: a cell of a matrix, or a command. */
export interface Subject {
  readonly label: string;
  run(): Promise<TrialResult>;
}

/** One replay of a subject. */
export interface Trial extends TrialResult {
  readonly subject: number;
  /** Number of the round, from 0; -1 and below are warm-up and were not kept. */
  readonly round: number;
}

/** How often and in which order subjects are replayed. */
export interface TrialPlan {
  readonly repetitions: number;
  /** Rounds before the first that counts. */
  readonly warmup: number;
  readonly seed: number;
}

/** What is told and asked while trials run. */
export interface TrialHooks {
  /** No further trial starts once it is aborted. */
  readonly signal: AbortSignal;
  onStart?(label: string, done: number, total: number): void;
  /** After each kept trial, with all so far; answering `stop` ends the trials. */
  onTrial?(trial: Trial, all: readonly Trial[]): Promise<"stop" | "go">;
}

/**
 * Replays the subjects in rounds: every subject once a round, in an order that the seed draws anew
 * for each round, so that drift of the machine falls on all alike. Warm-up rounds come first and
 * are thrown away.
 *
 *      round   -1          0           1
 *              B A C       C A B       A B C      (three subjects, one round of warm-up)
 *
 * @returns the kept trials, in the order in which they ran.
 */
export async function runTrials(
  subjects: readonly Subject[],
  plan: TrialPlan,
  hooks: TrialHooks,
): Promise<Trial[]> {
  const kept: Trial[] = [];
  const rounds = trialOrder(subjects.length, plan);
  const total = rounds.length * subjects.length;
  let done = 0;
  for (const [index, order] of rounds.entries()) {
    for (const subject of order) {
      if (hooks.signal.aborted) return kept;
      hooks.onStart?.(subjects[subject]!.label, done, total);
      const result = await subjects[subject]!.run();
      done++;
      // A replay that an interrupt cut short is no sample.
      if (hooks.signal.aborted && kept.length > 0) return kept;
      const trial = { ...result, subject, round: index - plan.warmup };
      if (trial.round < 0) continue;
      kept.push(trial);
      if ((await hooks.onTrial?.(trial, kept)) === "stop") return kept;
    }
  }
  return kept;
}

/** The order of the subjects in each round, warm-up first: a permutation a round, by the seed. */
export function trialOrder(subjects: number, plan: TrialPlan): number[][] {
  const prng = new Prng(plan.seed);
  return Array.from({ length: plan.warmup + plan.repetitions }, () => {
    const order = Array.from({ length: subjects }, (_, i) => i);
    for (let i = subjects - 1; i > 0; i--) {
      const j = prng.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  });
}
