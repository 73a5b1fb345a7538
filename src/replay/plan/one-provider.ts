import { NetmemError } from "../error.js";
import { PROVIDERS, type ReplayConfig } from "./replay-config.js";

/** The provider of commands that look at one run, where none is named. */
const DEFAULT = "zcrx";

/**
 * The settings of a run that looks at one provider and at nothing beside it: no exports, no
 * digests, no floor, no series.
 *
 * @param named whether the command line names providers.
 * @throws NETMEM_USAGE for several providers, and for another backend than the model.
 */
export function withOneProvider(
  config: ReplayConfig,
  named: boolean,
  command: string,
): ReplayConfig {
  if (config.natives.length > 0) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${command} looks into the model, and --backend names ${config.natives.join(", ")}`,
      "Use --backend memory.",
    );
  }
  const every = config.provider.length === PROVIDERS.length && !named;
  if (config.provider.length > 1 && !every) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `${command} looks at one provider, and --provider names ${config.provider.join(", ")}`,
      `Use --provider ${config.provider[0]}, say.`,
    );
  }
  const provider = every ? [DEFAULT as ReplayConfig["provider"][number]] : config.provider;
  return {
    ...config,
    provider,
    given: { ...config.given, provider: provider[0]! },
    exports: [],
    streams: false,
    floor: false,
    intervalNs: null,
    shard: null,
  };
}
