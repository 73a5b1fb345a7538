import { Args } from "@oclif/core";
import { removeBaseline } from "../../replay/compare/baseline-store.js";
import { resolveTrials } from "../../replay/plan/trial-plan.js";
import { BaseCommand } from "../shared/base-command.js";
import { baselinesFlag } from "../shared/trial-flags.js";

/** Removes a saved baseline. */
export default class BaselineRm extends BaseCommand {
  static override summary = "Remove a saved baseline.";
  static override examples = [
    {
      description: "From this folder.",
      command: "netmem baseline save old capture.pcap && <%= config.bin %> <%= command.id %> old",
    },
    {
      description: "From another.",
      command:
        "netmem baseline save old capture.pcap --baselines perf && " +
        "<%= config.bin %> <%= command.id %> old --baselines perf",
    },
  ];
  static override args = {
    name: Args.string({ description: "name of the baseline", required: true, ignoreStdin: true }),
  };
  static override flags = baselinesFlag();

  async run(): Promise<{ removed: string }> {
    const { args, flags } = await this.parse(BaselineRm);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const { baselines } = await resolveTrials("baseline", sources);
    const removed = await removeBaseline(baselines!, args.name);
    this.log(`removed ${removed}`);
    return { removed };
  }
}
