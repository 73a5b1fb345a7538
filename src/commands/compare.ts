import { Args } from "@oclif/core";
import { sideKind } from "../replay/compare/sides.js";
import { resolveTrials } from "../replay/plan/trial-plan.js";
import type { ComparisonShard } from "../replay/record/comparison-shard-schema.js";
import type { Comparison } from "../report/compare/comparison.js";
import { BaseCommand } from "./shared/base-command.js";
import { compareSides } from "./shared/compare-sides.js";
import { columnRecords, documentMaker } from "./shared/comparison-document.js";
import { prepareExports, writeExports } from "./shared/exports.js";
import { printComparison } from "./shared/print-document.js";
import { replayFlags } from "./shared/replay-flags.js";
import { trialFlags } from "./shared/trial-flags.js";
import { runWithProgress } from "./shared/trial-run.js";

const DESCRIPTION = `\
Captures are replayed over a matrix: every --provider, and every value of flags that list several, \
such as --hold 0,50us or --buffer-size 4KiB,32KiB. Records that were written with --export json= \
or --keep are compared as they are. --base and --head compare two command lines, two builds or two \
configurations of netmem.

Model metrics are exact: one run is enough, and a difference is a difference. Host time is \
compared over repetitions in an order that the seed draws, after a warm-up: a verdict takes a \
Mann-Whitney test below 5 % after Holm and a 95 % interval wholly beyond --min-effect. WORSE and \
better go by the metric: lower latency, copies, drops and leaks are better, higher delivered bytes \
and recycling; other counters differ.

--shard I/N replays every Nth cell of the matrix, a column on one capture, on this machine; \
netmem merge makes the comparison of all shards. Their host times are not compared: they were not \
measured side by side.

Exit codes: those of the replays; a difference is none. Use netmem gate to fail on one.`;

/** Replays or reads several runs and shows them side by side. */
export default class Compare extends BaseCommand {
  static override summary = "Compare providers, settings, records or builds side by side.";
  static override description = DESCRIPTION;
  static override examples = [
    {
      description: "The three memory providers on one capture.",
      command: "<%= config.bin %> <%= command.id %> capture.pcap",
    },
    {
      description: "Two providers, each with memory held for 0 and for 50 us; model metrics only.",
      command:
        "<%= config.bin %> <%= command.id %> --provider devmem,zcrx --hold 0,50us " +
        "--repetitions 1 capture.pcap",
    },
    {
      description: "Two builds or configurations of netmem, interleaved on this machine.",
      command:
        "<%= config.bin %> <%= command.id %> --repetitions 3 --warmup 0 " +
        "--base 'netmem replay capture.pcap' --head 'netmem replay --ring 64 capture.pcap'",
    },
  ];
  static override usage = [
    "<%= command.id %> CAPTURE... [FLAGS]",
    "<%= command.id %> RECORD RECORD... [FLAGS]",
    "<%= command.id %> --base CMD --head CMD [FLAGS]",
  ];
  static override args = {
    input: Args.string({
      description: "captures to replay, or records to read; the first record is the base",
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...replayFlags(), ...trialFlags("compare") };

  async run(): Promise<Comparison | ComparisonShard> {
    const { args, flags } = await this.parse(Compare);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const settings = await resolveTrials("compare", sources);
    const paths = args.input ?? [];
    const kind = await sideKind(paths, settings, flags);
    const sides = await compareSides(kind, paths, sources, settings);
    const { config, plan } = sides;
    this.jsonWanted ||= config.json;
    const { exports } = config;
    await prepareExports({ exports, intervalNs: null }, this.jsonEnabled());
    const documentOf = documentMaker(sides, settings);
    // A label that does not exist must not cost the time of the replays.
    documentOf([], false);
    const drafts = exports.filter(({ format, file }) => format === "json" && file !== "-");
    const { trials, exitCode, interrupted } = await runWithProgress(
      sides.labels,
      (hooks) => sides.subjects(hooks),
      {
        plan,
        silent: config.quiet || this.jsonEnabled(),
        keep: settings.keep,
        drafts: drafts.map(({ file }) => file),
        documentOf: (done) => documentOf(done, false),
      },
    );
    this.interrupted = interrupted;
    const document = documentOf(trials, !interrupted);
    process.exitCode = exitCode;
    if (!this.jsonEnabled()) {
      const columns = sides.part === null ? columnRecords(sides, trials) : [];
      await printComparison(config, document, columns);
    }
    await writeExports({ exports, intervalNs: null }, null, document);
    return document;
  }
}
