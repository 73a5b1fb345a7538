import { NetmemError } from "../error.js";
import { findConfigFile, readConfigFile } from "./config-file.js";
import { nearestName } from "./nearest.js";
import type { ConfigSources } from "./resolve.js";
import { TRIAL_FLAGS, type TrialCommand, type TrialFlagName, trialFlagsOf } from "./trial-flags.js";
import { ValueError } from "./value-error.js";

/** The values of the flags that repetitions, comparisons and gates have; null: not given. */
export type TrialSettings = {
  readonly [N in TrialFlagName]: ReturnType<(typeof TRIAL_FLAGS)[N]["parse"]> | null;
};

/**
 * Resolves the flags of one command beside those of `replay`: a flag beats its environment twin,
 * which beats the configuration file.
 *
 * @throws NetmemError NETMEM_USAGE or NETMEM_CONFIG for a value that cannot be.
 */
export async function resolveTrials(
  command: TrialCommand,
  { flags, environment, cwd }: ConfigSources,
): Promise<TrialSettings> {
  const named = flags.config ?? environment.NETMEM_CONFIG;
  const path = typeof named === "string" && named !== "" ? named : await findConfigFile(cwd);
  const file = path === undefined ? {} : (await readConfigFile(path)).texts;
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(TRIAL_FLAGS) as TrialFlagName[]) settings[name] = null;
  for (const name of trialFlagsOf(command)) {
    const flag = flagText(flags[name]);
    const twin = `NETMEM_${name.toUpperCase().replaceAll("-", "_")}`;
    const variable = environment[twin] === "" ? undefined : environment[twin];
    const text = flag ?? variable ?? file[name] ?? TRIAL_FLAGS[name].fallback;
    if (text === null || text === undefined) continue;
    try {
      settings[name] = TRIAL_FLAGS[name].parse(text);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const origin =
        flag !== undefined ? `--${name} ${text}` : variable !== undefined ? `${twin}=${text}` : "";
      throw new NetmemError(
        flag !== undefined ? "NETMEM_USAGE" : "NETMEM_CONFIG",
        `${origin === "" ? `${path}: ${name} ${text}` : origin} ${error.message}`,
        `See netmem ${command} --help.`,
      );
    }
  }
  return settings as unknown as TrialSettings;
}

/** The label that a flag names, or an error with the nearest one. */
export function labelIndex(label: string | null, labels: readonly string[]): number {
  if (label === null) return 0;
  const at = labels.indexOf(label);
  if (at >= 0) return at;
  const meant = nearestName(label, labels);
  throw new NetmemError(
    "NETMEM_USAGE",
    `--against ${label}: no column is called so (columns: ${labels.join("; ")})`,
    meant === undefined ? "Name a column." : `Did you mean ${meant}?`,
  );
}

function flagText(value: string | string[] | boolean | undefined): string | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.join("\n") : String(value);
}
