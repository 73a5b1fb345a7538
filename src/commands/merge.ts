import { Args } from "@oclif/core";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { ReplayDocument } from "../replay/record/schema.js";
import type { Comparison } from "../report/compare/comparison.js";
import { BaseCommand } from "./shared/base-command.js";
import { prepareExports, writeExports } from "./shared/exports.js";
import { printComparison, printDocument } from "./shared/print-document.js";
import { replayFlags } from "./shared/replay-flags.js";

const OUTPUT_FLAGS = ["export", "json", "quiet", "verbose", "chart"];

/** Joins what several machines recorded. */
export default class Merge extends BaseCommand {
  static override summary = "Join the shards of a run, or records of several captures.";
  static override description = `\
Shards are what replay --shard I/N or compare --shard I/N wrote. Joined, they are what one \
machine would have written, field by field but for host times: records in the order of the list, \
counters added, histograms added without loss; of shards of a comparison, the comparison. Parts \
that overlap, are missing or are unlike (of another build, configuration or list of captures) are \
refused.`;
  static override examples = [
    {
      description: "Two shards of a list.",
      command:
        "netmem replay --quiet --shard 1/2 --export json=1.json capture.pcap && " +
        "netmem replay --quiet --shard 2/2 --export json=2.json capture.pcap && " +
        "<%= config.bin %> <%= command.id %> 1.json 2.json",
    },
    {
      description: "Two halves of a comparison, a memory provider a cell.",
      command:
        "netmem compare --quiet --repetitions 1 --shard 1/2 --export json=1.json capture.pcap && " +
        "netmem compare --quiet --repetitions 1 --shard 2/2 --export json=2.json capture.pcap && " +
        "<%= config.bin %> <%= command.id %> 1.json 2.json",
    },
    {
      description: "The joined suite as a file.",
      command:
        "netmem replay --quiet --shard 1/1 --export json=all.json capture.pcap && " +
        "<%= config.bin %> <%= command.id %> all.json --quiet --export json=suite.json",
    },
  ];
  static override usage = "<%= command.id %> RECORD... [FLAGS]";
  static override args = {
    file: Args.string({
      description: "records, suites, or shards of a comparison",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = Object.fromEntries(
    Object.entries(replayFlags()).filter(([name]) => OUTPUT_FLAGS.includes(name)),
  );

  async run(): Promise<ReplayDocument | Comparison> {
    const { args, flags } = await this.parse(Merge);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const config = await resolveConfig(sources);
    this.jsonWanted ||= config.json;
    const { exports } = config;
    await prepareExports({ exports, intervalNs: null }, this.jsonEnabled());
    const { loadParts, mergeParts } = await import("../replay/suite/merge.js");
    const { loadShards } = await import("../replay/compare/join-shards.js");
    const { mergeComparison } = await import("./shared/merge-comparison.js");
    const shards = await loadShards(args.file);
    const { document, exitCode, columns } =
      shards === null
        ? { ...mergeParts(await loadParts(args.file)), columns: [] }
        : mergeComparison(shards);
    process.exitCode = exitCode;
    if (!this.jsonEnabled()) {
      if (document.schema === "netmem.comparison/1")
        await printComparison(config, document, columns);
      else await printDocument(config, document);
    }
    await writeExports({ exports, intervalNs: null }, null, document);
    return document;
  }
}
