import { parentPort, workerData } from "node:worker_threads";
import { NetmemError } from "../error.js";
import { loadProviderModule } from "./load-module.js";
import { SUITES, type SuiteResult } from "./suites.js";
import { OP_NAMES, PULSE_CALLS, PULSE_OP } from "./thread.js";

/** What the watcher gives this thread. */
export interface ConformWork {
  readonly url: string;
  readonly seed: number;
  /** Suites that are not to be run (again). */
  readonly skip: readonly string[];
  readonly pulse: Int32Array;
}

/** What this thread tells, before `"done"`. */
export type ConformNews =
  | { readonly kind: "ready" }
  | { readonly kind: "loaded"; readonly name: string; readonly contract: number }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "begins"; readonly suite: string }
  | { readonly kind: "suite"; readonly result: SuiteResult };

const { url, seed, skip, pulse } = workerData as ConformWork;
const tell = (news: ConformNews) => parentPort!.postMessage(news);
const onCall = (op: string) => {
  Atomics.store(pulse, PULSE_OP, Math.max(0, OP_NAMES.indexOf(op)));
  Atomics.add(pulse, PULSE_CALLS, 1);
};

try {
  tell({ kind: "ready" });
  const module = await loadProviderModule(url);
  tell({ kind: "loaded", name: module.name, contract: module.contract });
  for (const [suite, run] of SUITES) {
    if (skip.includes(suite)) continue;
    tell({ kind: "begins", suite });
    tell({ kind: "suite", result: run({ module, seed, onCall }) });
  }
} catch (error) {
  if (!(error instanceof NetmemError)) throw error;
  tell({ kind: "refused", message: error.message });
}
parentPort!.postMessage("done");
