import { Flags, type Interfaces } from "@oclif/core";
import {
  TRIAL_FLAGS,
  type TrialCommand,
  type TrialFlagSpec,
  trialFlagsOf,
} from "../../replay/plan/trial-flags.js";

/**
 * The flags that a command with repetitions has beside those of `replay`, for oclif. Values stay
 * text: the plan must know what was given where.
 */
export function trialFlags(command: TrialCommand): Interfaces.FlagInput {
  return Object.fromEntries(
    trialFlagsOf(command).map((name) => {
      const { group, value, fallback, help, repeatable }: TrialFlagSpec<unknown> =
        TRIAL_FLAGS[name];
      const common = { summary: help, helpGroup: group };
      if (value === "") return [name, Flags.boolean({ ...common, allowNo: true })];
      const option = {
        ...common,
        helpValue: value,
        ...(fallback === null ? {} : { defaultHelp: async () => fallback }),
      };
      if (repeatable !== true) return [name, Flags.string(option)];
      return [name, Flags.string({ ...option, multiple: true, multipleNonGreedy: true })];
    }),
  );
}

/** `--baselines` alone, for the commands that only look at the folder. */
export function baselinesFlag(): Interfaces.FlagInput {
  return { baselines: trialFlags("baseline").baselines! };
}
