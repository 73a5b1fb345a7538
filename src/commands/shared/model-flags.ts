import { Flags, type Interfaces } from "@oclif/core";
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
  "quiet",
  "shard",
  "streams",
  "verbose",
]);

/** The flags of `replay` that shape a run of the model, for commands that look into one. */
export function modelFlags(): Interfaces.FlagInput {
  const shared = Object.entries(replayFlags()).filter(([name]) => !RECORD_FLAGS.has(name));
  return {
    ...Object.fromEntries(shared),
    provider: Flags.string({
      char: "p",
      summary: "the memory provider",
      helpGroup: "memory",
      helpValue: "page|devmem|zcrx",
      defaultHelp: async () => "zcrx",
    }),
    json: Flags.boolean({
      summary: "print the result as JSON",
      helpGroup: "output",
      allowNo: true,
    }),
  };
}
