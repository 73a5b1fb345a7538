import type { Worker } from "node:worker_threads";
import { startThread } from "../start-thread.js";

/** Old-generation memory of a plug-in's thread, MiB. */
const MEMORY_MIB = 1024;

/** A thread for somebody else's code: with little memory, and no way to the program's output. */
export function startPluginThread(url: URL, workerData: unknown): Worker {
  return startThread(url, {
    workerData,
    // A plug-in's own prints must not stand between the lines of a document.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
  });
}

/** A thread that says nothing for so long did not start. */
const START_MS = 60_000;

/** Words of the memory that a plug-in's thread and its watcher share. */
export const PULSE_WORDS = 2;
/** Counts the calls into the plug-in. */
export const PULSE_CALLS = 0;
/** Number of the last op, from {@link OP_NAMES}. */
export const PULSE_OP = 1;

/** Ops of the contract by number, for the shared word; the first one is loading. */
export const OP_NAMES: readonly string[] = [
  "the module's own code",
  "create",
  "init",
  "destroy",
  "allocNetmems",
  "releaseNetmem",
  "uninstall",
  "freeNetmems",
];

/** How a thread came to its end. */
export type ThreadEnd =
  | { readonly kind: "done" }
  | { readonly kind: "hang"; readonly op: string }
  | { readonly kind: "died"; readonly reason: string };

/**
 * Waits for a thread that posts messages and then `"done"`. A thread whose pulse stands still for
 * `limitMs` is ended.
 */
export function watchThread(
  thread: Worker,
  pulse: Int32Array,
  limitMs: number,
  onMessage: (message: unknown) => void,
): Promise<ThreadEnd> {
  return new Promise((resolve) => {
    let seen = Atomics.load(pulse, PULSE_CALLS);
    // Until the thread's first word, its own start is what takes the time.
    let begun = false;
    let stillMs = 0;
    let from = performance.now();
    const tick = Math.max(20, Math.min(100, limitMs / 4));
    const settle = (end: ThreadEnd) => {
      clearInterval(timer);
      thread.removeAllListeners();
      void thread.terminate();
      resolve(end);
    };
    const timer = setInterval(() => {
      const now = Atomics.load(pulse, PULSE_CALLS);
      // Time in which this thread slept too (a stopped machine) counts once at most.
      stillMs = now === seen ? stillMs + Math.min(performance.now() - from, 4 * tick) : 0;
      from = performance.now();
      seen = now;
      if (stillMs >= (begun ? limitMs : Math.max(limitMs, START_MS))) {
        settle({ kind: "hang", op: OP_NAMES[Atomics.load(pulse, PULSE_OP)] ?? "a call" });
      }
    }, tick);
    thread.on("message", (message) => {
      stillMs = 0;
      begun = true;
      if (message === "done") settle({ kind: "done" });
      else onMessage(message);
    });
    thread.on("error", (error: Error) => settle({ kind: "died", reason: error.message }));
    thread.on("exit", (code) => {
      settle({ kind: "died", reason: `the thread ended itself with exit code ${code}` });
    });
  });
}
