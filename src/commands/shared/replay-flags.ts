import { Flags, type Interfaces } from "@oclif/core";
import { FLAG_NAMES, FLAGS, type FlagName, type FlagSpec } from "../../replay/plan/flags.js";

/**
 * The flags of `replay` for oclif, made from the flag table. Values stay text, and neither defaults
 * nor environment go through oclif: the plan must know what was given where.
 */
export function replayFlags(): Interfaces.FlagInput {
  return Object.fromEntries(FLAG_NAMES.map((name) => [name, oclifFlag(name)]));
}

function oclifFlag(name: FlagName): Interfaces.FlagInput[string] {
  const { group, value, fallback, help, char, repeatable }: FlagSpec<unknown> = FLAGS[name];
  const common = { summary: help, helpGroup: group, ...(char === undefined ? {} : { char }) };
  if (value === "") return Flags.boolean({ ...common, allowNo: true });
  const option = {
    ...common,
    helpValue: value,
    ...(fallback === null ? {} : { defaultHelp: async () => fallback }),
  };
  if (repeatable !== true) return Flags.string(option);
  return Flags.string({ ...option, multiple: true, multipleNonGreedy: true });
}
