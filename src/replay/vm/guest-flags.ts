import { FLAGS, type FlagName } from "../plan/flags.js";

/** Flags of `replay` that mean this machine, not the guest. */
const HOST_FLAGS: readonly FlagName[] = ["export", "json", "quiet", "verbose", "config", "kernel"];
/** Backends whose packets come by the virtual NIC. */
const WIRED = ["kernel-zcrx", "kernel-devmem"];

/** The command line of `replay` in the guest, from what was given here. */
export function guestArguments(
  given: Readonly<Record<string, unknown>>,
  captures: readonly string[],
): string[] {
  const argv = ["replay", "--json"];
  for (const [name, value] of Object.entries(given)) {
    if (!(name in FLAGS) || HOST_FLAGS.includes(name as FlagName)) continue;
    if (typeof value === "boolean") argv.push(value ? `--${name}` : `--no-${name}`);
    else argv.push(`--${name}=${Array.isArray(value) ? value.join(",") : String(value)}`);
  }
  const backends = String(given.backend ?? "").split(",");
  const wired = backends.some((name) => WIRED.includes(name)) && given.nodev !== true;
  if (wired && given.interface === undefined) argv.push("--interface=nm0");
  if (wired && given.peer === undefined) argv.push("--peer=nm1");
  return [...argv, ...captures];
}

/** Parameters of nmsim that stand for flags of `replay`. */
export function nmsimParameters(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const parameters: Record<string, string> = {};
  if (given.queues !== undefined) parameters.queues = String(given.queues);
  if (given.ring !== undefined) parameters.ring = String(given.ring);
  const every = /^fail=(\d+)$/.exec(String(given.hds ?? ""))?.[1];
  if (every !== undefined) parameters.hds_fail = every;
  return parameters;
}
