import { Args } from "@oclif/core";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { ReplayDocument } from "../replay/record/schema.js";
import { BaseCommand } from "./shared/base-command.js";
import { prepareExports, writeExports } from "./shared/exports.js";
import { printDocument } from "./shared/print-document.js";
import { replayFlags } from "./shared/replay-flags.js";

const OUTPUT_FLAGS = ["export", "json", "quiet", "verbose", "chart"];

/** Joins what several machines recorded. */
export default class Merge extends BaseCommand {
  static override summary = "Join the shards of a run, or records of several captures.";
  static override description = `\
Shards are what replay --shard I/N wrote. Joined, they are what one machine would have written, \
field by field but for host times: records in the order of the list, counters added, histograms \
added without loss. Parts that overlap, are missing or are unlike (of another build, configuration \
or list of captures) are refused.`;
  static override examples = [
    {
      description: "Two shards of a list.",
      command:
        "netmem replay --quiet --shard 1/2 --export json=1.json capture.pcap && " +
        "netmem replay --quiet --shard 2/2 --export json=2.json capture.pcap && " +
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
      description: "records or suites",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = Object.fromEntries(
    Object.entries(replayFlags()).filter(([name]) => OUTPUT_FLAGS.includes(name)),
  );

  async run(): Promise<ReplayDocument> {
    const { args, flags } = await this.parse(Merge);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const config = await resolveConfig(sources);
    this.jsonWanted ||= config.json;
    const { exports } = config;
    await prepareExports({ exports, intervalNs: null }, this.jsonEnabled());
    const { loadParts, mergeParts } = await import("../replay/suite/merge.js");
    const { document, exitCode } = mergeParts(await loadParts(args.file));
    process.exitCode = exitCode;
    if (!this.jsonEnabled()) await printDocument(config, document);
    await writeExports({ exports, intervalNs: null }, null, document);
    return document;
  }
}
