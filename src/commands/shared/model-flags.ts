import type { Interfaces } from "@oclif/core";
import { replayFlags } from "./replay-flags.js";

/** Flags of `replay` about its own document, or about several captures and machines. */
const RECORD_FLAGS: ReadonlySet<string> = new Set([
  "backend",
  "chart",
  "coalesce",
  "export",
  "floor",
  "interval",
  "leaks",
  "shard",
  "streams",
  "verbose",
]);

/** The flags of `replay` that shape a run of the model, for commands that look into one. */
export function modelFlags(): Interfaces.FlagInput {
  return Object.fromEntries(
    Object.entries(replayFlags()).filter(([name]) => !RECORD_FLAGS.has(name)),
  );
}
