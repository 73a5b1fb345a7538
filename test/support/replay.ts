import { resolveConfig } from "../../src/replay/plan/resolve.js";
import type { NetmemRecord } from "../../src/replay/record/schema.js";
import { runReplay } from "../../src/replay/run/run-replay.js";

/** Replays one capture as the command does, with flags by name, and answers the record. */
export async function replay(
  path: string,
  flags: Readonly<Record<string, string | boolean | undefined>> = {},
): Promise<{ record: NetmemRecord; exitCode: number }> {
  const config = await resolveConfig({ flags, environment: {}, cwd: "/" });
  const signal = new AbortController().signal;
  const { document, exitCode } = await runReplay(config, [path], { signal, warn: () => {} });
  return { record: document as NetmemRecord, exitCode };
}
