import { FLAGS, type FlagName, REAL_PROVIDERS } from "../plan/flags.js";

/** Flags of `replay` that mean this machine, not the guest. */
const HOST_FLAGS: readonly FlagName[] = ["export", "json", "quiet", "verbose", "config", "kernel"];

/** Flags of `replay` in the guest, from what was given here. */
export function guestFlags(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name in FLAGS && !HOST_FLAGS.includes(name as FlagName)) flags[name] = value;
  }
  const backends = String(given.backend ?? "").split(",");
  const wired = backends.some((name) => REAL_PROVIDERS.includes(name)) && given.nodev !== true;
  if (wired) {
    flags.interface ??= "nm0";
    flags.peer ??= "nm1";
  }
  return flags;
}

/** The command line of `replay` in the guest, from what was given here. */
export function guestArguments(
  given: Readonly<Record<string, unknown>>,
  captures: readonly string[],
): string[] {
  const words = Object.entries(guestFlags(given)).map(([name, value]) => {
    if (typeof value === "boolean") return value ? `--${name}` : `--no-${name}`;
    return `--${name}=${Array.isArray(value) ? value.join(",") : String(value)}`;
  });
  return ["replay", "--json", ...words, ...captures];
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
