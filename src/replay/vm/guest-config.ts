import { NetmemError } from "../error.js";
import { REAL_PROVIDERS } from "../plan/flags.js";
import type { Environment, RawFlags } from "../plan/layers.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { resolveConfig } from "../plan/resolve.js";

/** Where the settings of a replay in a guest come from. */
export interface GuestSources {
  /** Flags of `replay` as they were given; `kernel` names the guest's. */
  readonly flags: RawFlags;
  readonly environment?: Environment;
  /** Where a configuration file is looked for; the root has none. */
  readonly cwd?: string;
}

/** What is run where nothing is named. */
const DEFAULT_BACKEND = "kernel-zcrx";
/** The virtual NIC and the port wired to it, as if the environment named them. */
const NIC = { NETMEM_INTERFACE: "nm0", NETMEM_PEER: "nm1" } as const;
/** Settings that a line which reproduces the run need not name. */
const PLACES = ["interface", "peer"];
/** What nmsim has (native/nmsim/nmsim.h). */
const MAX_QUEUES = 16;
const RING = { min: 16, max: 4096 } as const;

/**
 * Resolves, on this machine, what a replay in the guest is to do: what cannot be is refused before
 * anything is booted, and files that settings name are read here.
 *
 * @throws NetmemError as resolveConfig does, and NETMEM_USAGE for what no guest can do.
 */
export async function guestConfig(sources: GuestSources): Promise<ReplayConfig> {
  const { flags, environment = {}, cwd = "/" } = sources;
  const backend = flags.backend ?? environment.NETMEM_BACKEND ?? DEFAULT_BACKEND;
  const real = String(backend)
    .split(",")
    .some((name) => REAL_PROVIDERS.includes(name));
  const config = await resolveConfig({
    flags: { ...flags, backend },
    environment: { ...environment, ...(real && flags.nodev !== true ? NIC : {}) },
    cwd,
  });
  rejectStrange(config);
  const given = Object.entries(config.given).filter(([name]) => !PLACES.includes(name));
  return { ...config, given: Object.fromEntries(given) };
}

function rejectStrange({ natives, given, queues, ring, hds }: ReplayConfig): void {
  const wrong = (what: string, suggestion: string): never => {
    throw new NetmemError("NETMEM_USAGE", what, suggestion);
  };
  if (natives.length === 0) {
    wrong("the model needs no guest", `Use netmem replay, or --backend ${DEFAULT_BACKEND}.`);
  }
  if ("queues" in given && queues > MAX_QUEUES) {
    wrong(`the guest's NIC has no ${queues} queues`, `Use --queues 1 to ${MAX_QUEUES}.`);
  }
  if ("ring" in given && (ring < RING.min || ring > RING.max)) {
    const range = `${RING.min} to ${RING.max}`;
    wrong(`the guest's NIC has no rings of ${ring} descriptors`, `Use --ring ${range}.`);
  }
  if (hds.mode === "off") {
    const errno = "EINVAL of netif_mp_open_rxq";
    wrong(`a kernel opens no provider with --hds off (${errno})`, "Use --hds on, or fail=N.");
  }
}

/** Parameters with which nmsim is the NIC that a configuration asks for. */
export function nmsimParameters(config: ReplayConfig): Record<string, string> {
  const { given, queues, ring, hds } = config;
  const parameters: Record<string, string> = {};
  if ("queues" in given) parameters.queues = String(queues);
  if ("ring" in given) parameters.ring = String(ring);
  if (hds.mode === "fail") parameters.hds_fail = String(hds.failEvery);
  return parameters;
}
