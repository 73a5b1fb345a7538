import type { RunRecord } from "../../replay/record/schema.js";

/** What a run is called beside the others: the model's by its provider, else by its backend. */
export function runName(run: RunRecord): string {
  return run.native === undefined ? run.provider : run.backend;
}

/** Names for a chart of times: with the clock where the runs' clocks are unlike. */
export function timedNames(runs: readonly RunRecord[]): string[] {
  const unlike = new Set(runs.map(({ clock }) => clock)).size > 1;
  return runs.map((run) => `${runName(run)}${unlike ? ` (${run.clock} clock)` : ""}`);
}
