import { NetmemError } from "../error.js";
import { ValueError } from "./value-error.js";
import { type Parse, timeUpTo, wholeNumber } from "./values.js";

/** What `netmem conform` is to do. */
export interface ConformPlan {
  readonly paths: readonly string[];
  readonly seed: number;
  /** A call into a module that takes longer than this hangs. */
  readonly limitMs: number;
}

/**
 * Checks the arguments of `netmem conform`.
 *
 * @throws NetmemError NETMEM_USAGE for a seed or time that cannot be.
 */
export function resolveConformPlan(
  paths: readonly string[],
  seed = "1",
  timeLimit = "10s",
): ConformPlan {
  const ns = parsed("time-limit", timeLimit, timeUpTo(3600e9, "a time of at most 3600s"));
  return {
    paths,
    seed: parsed("seed", seed, wholeNumber(0, 2 ** 32 - 1)),
    limitMs: Math.max(100, Math.ceil(ns / 1e6)),
  };
}

function parsed<T>(name: string, text: string, parse: Parse<T>): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const message = `--${name} ${error.message}`;
    throw new NetmemError("NETMEM_USAGE", message, "See netmem conform --help.");
  }
}
