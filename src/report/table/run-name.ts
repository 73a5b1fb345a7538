import type { RunRecord } from "../../replay/record/schema.js";

/** What a run is called beside the others: the model's by its provider, else by its backend. */
export function runName(run: RunRecord): string {
  return run.native === undefined ? run.provider : run.backend;
}
