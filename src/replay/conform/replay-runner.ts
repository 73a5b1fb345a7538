import { isModulePath } from "../plan/provider-list.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { RunReplay } from "../run/contract.js";

/** What replays a configuration: provider modules run in threads beside netmem's own providers. */
export async function replayRunner(config: ReplayConfig): Promise<RunReplay> {
  const { runReplay } = await import("../run/run-replay.js");
  if (!config.provider.some(isModulePath)) return runReplay;
  const { replayWithPlugins } = await import("./replay-plugins.js");
  return (...args) => replayWithPlugins(...args, runReplay);
}
