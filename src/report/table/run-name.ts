import type { RunRecord } from "../../replay/record/schema.js";

/** What a run is called beside the others: the model's by its provider, a native one's by itself. */
export function runName(run: RunRecord): string {
  return run.native === undefined ? run.provider : run.backend;
}
