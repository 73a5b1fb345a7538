import { Args, Flags } from "@oclif/core";
import { saveBaseline } from "../../replay/compare/baseline-store.js";
import { loadRecords, sideKind } from "../../replay/compare/sides.js";
import { replaySubject } from "../../replay/compare/subjects.js";
import { EXIT, NetmemError } from "../../replay/error.js";
import { COUNTED_NAMES } from "../../replay/plan/counted-names.js";
import { resolveConfig } from "../../replay/plan/resolve.js";
import { resolveTrials } from "../../replay/plan/trial-plan.js";
import type { Baseline } from "../../replay/record/baseline-schema.js";
import { capturePaths } from "../../replay/suite/shard.js";
import { baselineOf } from "../../report/gate/baseline.js";
import { BaseCommand } from "../shared/base-command.js";
import { replayFlags } from "../shared/replay-flags.js";
import { trialFlags } from "../shared/trial-flags.js";
import { runWithProgress } from "../shared/trial-run.js";

/** Repetitions of a baseline with host times. */
const HOST_REPETITIONS = 9;

/** Saves what later runs are held against. */
export default class BaselineSave extends BaseCommand {
  static override summary = "Save a baseline from captures or records.";
  static override description = `\
A baseline is a small JSON file with a line a metric, netmem.baselines/NAME.json, that is meant to \
be kept in git: a change of behaviour shows as a change of its lines. It holds the model's \
metrics, which are the same on every machine. With --host it holds samples of host time too, and \
then it is of use on this machine alone.`;
  static override examples = [
    {
      description: "The model's metrics of a capture.",
      command: "<%= config.bin %> <%= command.id %> main capture.pcap",
    },
    {
      description: "From a record, into another folder.",
      command:
        "netmem replay --quiet --export json=run.json capture.pcap && " +
        "<%= config.bin %> <%= command.id %> v1.2 run.json --baselines perf",
    },
  ];
  static override usage = "<%= command.id %> NAME CAPTURE-OR-RECORD... [FLAGS]";
  static override args = {
    name: Args.string({ description: "name of the baseline", required: true, ignoreStdin: true }),
    input: Args.string({
      description: "captures to replay, or records to read",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...replayFlags(),
    ...trialFlags("baseline"),
    host: Flags.boolean({ summary: "keep samples of host time too", helpGroup: "gate" }),
  };

  async run(): Promise<Baseline> {
    const { args, flags } = await this.parse(BaselineSave);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const settings = await resolveTrials("baseline", sources);
    const kind = await sideKind(args.input, { base: null, head: null }, flags);
    const config = await resolveConfig(sources);
    this.jsonWanted ||= config.json;
    const repetitions = settings.repetitions ?? (flags.host ? HOST_REPETITIONS : 1);
    const warmup = settings.warmup ?? (repetitions > 1 ? 1 : 0);
    const records =
      kind === "records" ? (await Promise.all(args.input.map(loadRecords))).flat() : [];
    const captures = kind === "records" ? [] : await capturePaths(config, args.input);
    const whole = { ...config, shard: null };
    const { trials, exitCode, interrupted } = await runWithProgress(
      captures,
      (hooks) => captures.map((path) => replaySubject(path, whole, [path], hooks)),
      {
        plan: { repetitions, warmup, seed: config.seed },
        silent: config.quiet || this.jsonEnabled(),
        keep: null,
        drafts: [],
        documentOf: () => null,
      },
    );
    this.interrupted = interrupted;
    if (interrupted || exitCode !== EXIT.done) {
      const why = interrupted ? "it was interrupted" : "the replay leaked, or the capture is cut";
      if (!interrupted) process.exitCode = exitCode;
      throw new NetmemError("NETMEM_BASELINE", `no baseline: ${why}`, "Mend that first.");
    }
    const all = [...records, ...trials.flatMap((trial) => trial.records)];
    const baseline = baselineOf(all, COUNTED_NAMES, flags.host === true);
    const file = await saveBaseline(settings.baselines!, args.name, baseline);
    if (!config.quiet) this.log(`saved ${file}: ${baseline.series.length} series`);
    return baseline;
  }
}
