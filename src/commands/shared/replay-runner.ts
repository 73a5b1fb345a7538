import { isModulePath } from "../../replay/plan/provider-list.js";
import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import type { RunReplay } from "../../replay/run/contract.js";

/** What replays a configuration: provider modules run in threads beside netmem's own providers. */
export async function replayRunner(config: ReplayConfig): Promise<RunReplay> {
  const { runReplay } = await import("../../replay/run/run-replay.js");
  if (!config.provider.some(isModulePath)) return runReplay;
  const { replayWithPlugins } = await import("../../replay/conform/replay-plugins.js");
  return (...args) => replayWithPlugins(...args, runReplay);
}
