import { keepIn } from "../../replay/compare/keep.js";
import {
  runTrials,
  type Subject,
  type Trial,
  type TrialPlan,
} from "../../replay/compare/trials.js";
import { EXIT } from "../../replay/error.js";
import { writeWhole } from "../../replay/record/document-file.js";
import type { ReplayHooks } from "../../replay/run/contract.js";
import { documentText } from "../../report/export/json.js";
import { type Interrupt, listenForInterrupt } from "./interrupt.js";
import { ProgressLine } from "./progress-line.js";

/** What runs, and what becomes of it while it does. */
export interface TrialRun {
  readonly plan: TrialPlan;
  /** Neither progress nor warnings are wanted. */
  readonly silent: boolean;
  /** Folder for every repetition's records, or null. */
  readonly keep: string | null;
  /** Files that hold the document so far, as JSON, written after each repetition. */
  readonly drafts: readonly string[];
  documentOf(trials: readonly Trial[]): unknown;
  /** Whether the trials can end early. */
  isDecided?(trials: readonly Trial[]): boolean;
}

/** What trials came to. */
export interface TrialOutcome {
  readonly trials: readonly Trial[];
  /** The gravest exit code of the replays; 130 where an interrupt ended them. */
  readonly exitCode: number;
  readonly interrupted: boolean;
}

/**
 * Runs subjects round by round with progress on standard error, keeps every repetition's record
 * and the document so far, and hears interrupts.
 *
 * @param subjectsOf makes the subjects, given what their replays need.
 */
export async function runWithProgress(
  labels: readonly string[],
  subjectsOf: (hooks: ReplayHooks) => readonly Subject[],
  run: TrialRun,
): Promise<TrialOutcome> {
  const keeper = run.keep === null ? null : await keepIn(run.keep, labels);
  const progress = new ProgressLine(!run.silent);
  const interrupt: Interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const said = new Set<string>();
  const hooks: ReplayHooks = {
    signal,
    warn: (message) => {
      // Every repetition would say the same.
      if (run.silent || said.has(message)) return;
      said.add(message);
      progress.clear();
      process.stderr.write(`netmem: ${message}\n`);
    },
  };
  try {
    const trials = await runTrials(subjectsOf(hooks), run.plan, {
      signal,
      onStart: (label, done, total) => progress.text(`${done + 1} of ${total}  ${label}`),
      onTrial: async (trial, all) => {
        await keeper?.add(trial);
        for (const file of run.drafts) await writeWhole(file, documentText(run.documentOf(all)));
        return run.isDecided?.(all) === true ? "stop" : "go";
      },
    });
    const interrupted = signal.aborted;
    const exitCode = interrupted ? EXIT.interrupted : gravest(trials.map((t) => t.exitCode));
    return { trials, exitCode, interrupted };
  } finally {
    interrupt.release();
    progress.clear();
  }
}

/** 7 before 5 before 3 before 6 before whatever else. */
export function gravest(codes: readonly number[]): number {
  const order = [EXIT.violated, EXIT.captureUnreadable, EXIT.gateFailed, EXIT.inconclusive];
  const found = order.find((code) => codes.includes(code));
  return found ?? Math.max(EXIT.done, ...codes);
}
