import { replayRunner } from "../conform/replay-runner.js";
import { NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { SUITE_SCHEMA } from "../record/names.js";
import type { NetmemRecord, ReplayDocument } from "../record/schema.js";
import type { ReplayHooks } from "../run/contract.js";
import { runCommand } from "./command.js";
import type { Subject, TrialResult } from "./trials.js";

/** A replay of captures in this process; of provider modules, in threads of it. */
export function replaySubject(
  label: string,
  config: ReplayConfig,
  paths: readonly string[],
  hooks: ReplayHooks,
): Subject {
  return {
    label,
    run: async () => {
      const run = await replayRunner(config);
      const { document, exitCode } = await run(config, paths, hooks);
      return { records: recordsOf(document, label), exitCode };
    },
  };
}

/** A command line that prints a record: another build, or another configuration. */
export function commandSubject(label: string, command: string, signal: AbortSignal): Subject {
  return {
    label,
    run: async (): Promise<TrialResult> => {
      const { document, exitCode } = await runCommand(command, signal);
      return { records: recordsOf(document, label), exitCode };
    },
  };
}

/**
 * The records of what a replay answered with.
 *
 * @throws NetmemError with the code of the first capture of which nothing was usable: what is not
 *   there cannot be compared or gated.
 */
export function recordsOf(document: ReplayDocument, where: string): NetmemRecord[] {
  if (document.schema !== SUITE_SCHEMA) return [document];
  const [failed] = document.failed;
  if (failed === undefined) return document.records;
  throw new NetmemError(
    failed.code as "NETMEM_CAPTURE_UNREADABLE",
    `${where}: ${failed.path}: ${failed.message}`,
    "A gate or comparison takes every capture or none: leave this one out, or mend it.",
  );
}
