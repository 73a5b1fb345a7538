import { Args } from "@oclif/core";
import { baselineText, loadBaseline } from "../../replay/compare/baseline-store.js";
import { NetmemError } from "../../replay/error.js";
import { resolveTrials } from "../../replay/plan/trial-plan.js";
import type { Baseline } from "../../replay/record/baseline-schema.js";
import { BaseCommand } from "../shared/base-command.js";
import { baselinesFlag } from "../shared/trial-flags.js";

/** Prints a saved baseline. */
export default class BaselineShow extends BaseCommand {
  static override summary = "Print a saved baseline as its file has it.";
  static override examples = [
    {
      description: "All of it.",
      command: "netmem baseline save main capture.pcap && <%= config.bin %> <%= command.id %> main",
    },
    {
      description: "The latencies alone.",
      command:
        "netmem baseline save main capture.pcap && " +
        "<%= config.bin %> <%= command.id %> main | grep latency",
    },
  ];
  static override args = {
    name: Args.string({ description: "name or file", required: true, ignoreStdin: true }),
  };
  static override flags = baselinesFlag();

  async run(): Promise<Baseline> {
    const { args, flags } = await this.parse(BaselineShow);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const { baselines } = await resolveTrials("baseline", sources);
    const { content, source } = await loadBaseline(baselines!, args.name);
    if (!("schema" in content)) {
      throw new NetmemError("NETMEM_BASELINE", `${source} is a record`, "Name a baseline.");
    }
    this.log(baselineText(content).trimEnd());
    return content;
  }
}
