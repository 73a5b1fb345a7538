import { NetmemError } from "../error.js";

/** What `netmem trace` follows. Netmems count from 0, packets from 1. */
export type Subject =
  | { readonly kind: "netmem"; readonly number: number }
  | { readonly kind: "packet"; readonly number: number }
  | { readonly kind: "leaked" };

/** The subject's flags as they were given. */
export interface SubjectFlags {
  readonly netmem?: string | undefined;
  readonly packet?: string | undefined;
  readonly leaked?: boolean | undefined;
}

/** Transitions of one netmem that can be asked for. */
const MAX_LAST = 65_536;

/**
 * Reads the subject: exactly one of the three flags.
 *
 * @throws NetmemError NETMEM_USAGE for none, several, or what is no number.
 */
export function subjectOf({ netmem, packet, leaked }: SubjectFlags): Subject {
  const given = [netmem !== undefined, packet !== undefined, leaked === true];
  if (given.filter(Boolean).length !== 1) {
    throw new NetmemError(
      "NETMEM_USAGE",
      "trace follows one thing: a netmem, a packet, or all that leaked",
      "Give one of --netmem N, --packet N and --leaked.",
    );
  }
  if (netmem !== undefined) return { kind: "netmem", number: numberFrom("--netmem", netmem, 0) };
  if (packet !== undefined) return { kind: "packet", number: numberFrom("--packet", packet, 1) };
  return { kind: "leaked" };
}

/**
 * The transitions to keep of each netmem.
 *
 * @throws NetmemError NETMEM_USAGE for what is no number from 1 to 65536.
 */
export function lastOf(text: string): number {
  const last = numberFrom("--last", text, 1);
  if (last <= MAX_LAST) return last;
  throw new NetmemError("NETMEM_USAGE", `--last is at most ${MAX_LAST}`, "Use a smaller --last.");
}

function numberFrom(flag: string, text: string, least: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (value >= least) return value;
  throw new NetmemError(
    "NETMEM_USAGE",
    `${flag} must be a whole number from ${least} (got "${text}")`,
    `Use ${flag} ${least}, say.`,
  );
}
