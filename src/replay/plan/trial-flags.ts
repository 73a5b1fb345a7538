import type { FlagSpec } from "./flags.js";
import { parseTime } from "./units.js";
import { ValueError } from "./value-error.js";
import { oneOf, type Parse, someText, truth, wholeNumber } from "./values.js";

/** Commands that take flags of their own beside those of `replay`. */
export type TrialCommand = "compare" | "gate" | "baseline";

/** A flag of `compare`, `gate` or `baseline save`: as those of `replay`, and who takes it. */
export interface TrialFlagSpec<T> extends Omit<FlagSpec<T>, "group" | "incidental"> {
  readonly group: "statistics" | "gate";
  readonly commands: readonly TrialCommand[];
}

const minEffect: Parse<number> = (text) => {
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(text);
  if (text === "0") return 0;
  if (match !== null && Number(match[1]) < 100) return Number(match[1]) / 100;
  throw new ValueError("must be a share below 100 %, such as 2%");
};

const grace: Parse<number> = (text) => parseTime(text) / 1e6;

const several: Parse<readonly string[]> = (text) =>
  text.split("\n").filter((line) => line.trim() !== "");

function spec<T>(
  commands: readonly TrialCommand[],
  group: TrialFlagSpec<T>["group"],
  value: string,
  fallback: string | null,
  parse: Parse<T>,
  help: string,
  repeatable?: true,
): TrialFlagSpec<T> {
  const more = repeatable === true ? { repeatable: true as const } : {};
  return { commands, group, value, fallback, parse, help, ...more };
}

const STATISTICS = ["compare", "gate"] as const;
const ALL = ["compare", "gate", "baseline"] as const;
const GATE = ["gate"] as const;

/** Every flag that commands with repetitions have beside those of `replay`, by name. */
export const TRIAL_FLAGS = {
  repetitions: spec(
    ALL,
    "statistics",
    "<n>",
    null,
    wholeNumber(1, 1000),
    "replays of each side that count; 9, or 1 where nothing noisy is asked for",
  ),
  warmup: spec(
    ALL,
    "statistics",
    "<n>",
    null,
    wholeNumber(0, 100),
    "replays of each side before the first that counts; 1, or 0 with one repetition",
  ),
  "min-effect": spec(
    ["compare"],
    "statistics",
    "<share>",
    "2%",
    minEffect,
    "host metrics that move less count as unchanged",
  ),
  base: spec(STATISTICS, "statistics", "<cmd>", null, someText, "command line of the old side"),
  head: spec(STATISTICS, "statistics", "<cmd>", null, someText, "command line of the new side"),
  against: spec(
    ["compare"],
    "statistics",
    "<label>",
    null,
    someText,
    "column that the others are compared with; else the first",
  ),
  force: spec(
    ["compare"],
    "statistics",
    "",
    "off",
    truth,
    "compare host metrics of unlike machines and settings too; every line is labelled",
  ),
  keep: spec(
    STATISTICS,
    "statistics",
    "<dir>",
    null,
    someText,
    "write every repetition's record to this folder as it ends, a file a side, a record a line",
  ),
  threshold: spec(
    GATE,
    "gate",
    "<expr>",
    null,
    several,
    "METRIC[{TAG=VALUE}][: AGG] OP BOUND; repeat for more",
    true,
  ),
  file: spec(
    GATE,
    "gate",
    "<file>",
    null,
    someText,
    "thresholds; else netmem.gate.yaml, searched upward, where no --threshold is given",
  ),
  baseline: spec(
    GATE,
    "gate",
    "<name|file>",
    null,
    someText,
    "what baseline stands for: a saved baseline, or a file",
  ),
  baselines: spec(
    ["gate", "baseline"],
    "gate",
    "<dir>",
    "netmem.baselines",
    someText,
    "folder of saved baselines",
  ),
  inconclusive: spec(
    GATE,
    "gate",
    "pass|fail",
    "pass",
    oneOf(["pass", "fail"] as const),
    "what the exit code makes of an inconclusive gate: 0 or 6",
  ),
  abort: spec(GATE, "gate", "", "off", truth, "end the runs once a threshold has surely failed"),
  grace: spec(GATE, "gate", "<time>", "0", grace, "with --abort: not before this time has passed"),
} as const satisfies Record<string, TrialFlagSpec<unknown>>;

/** Name of such a flag, without the dashes. */
export type TrialFlagName = keyof typeof TRIAL_FLAGS;
/** All names, in the order of the table. */
export const TRIAL_FLAG_NAMES = Object.keys(TRIAL_FLAGS) as TrialFlagName[];

/** The names that one command takes. */
export function trialFlagsOf(command: TrialCommand): TrialFlagName[] {
  return TRIAL_FLAG_NAMES.filter((name) =>
    (TRIAL_FLAGS[name].commands as readonly string[]).includes(command),
  );
}
