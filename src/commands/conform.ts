import { Args, Flags } from "@oclif/core";
import { resolveConformPlan } from "../replay/plan/conform-plan.js";
import type { ConformDocument } from "../replay/record/conform-document.js";
import { styleFor } from "../report/table/style.js";
import { BaseCommand } from "./shared/base-command.js";

const DESCRIPTION = `\
Each module is put through fault plans (allocation fails, a pool goes with netmems out, a restart, \
the device goes), a state machine of random operations with every invariant checked after each, \
every interleaving of the calls that two pools, a reader and the device make, and a test that the \
same calls get the same answers. Every clause of the contract gets a verdict; a broken one comes \
with the shortest way there that was found.

Modules run in threads of their own, so that one that throws, hangs or exits costs nobody else's \
verdict. The contract is in docs/providers.md, modules to start from in fixtures/providers.

Exit code 0: every module conforms; 7: one does not; 2: there is no such module.`;

/** Puts memory providers that users wrote through the provider contract. */
export default class Conform extends BaseCommand {
  static override summary = "Test your own memory provider against the contract.";
  static override description = DESCRIPTION;
  static override usage = "<%= command.id %> MODULE... [FLAGS]";
  static override examples = [
    ["A provider of your own.", "./my-provider.mjs"],
    [
      "Other random operations, more patience with a slow machine.",
      "./my-provider.mjs --seed 7 --time-limit 30s",
    ],
  ].map(([description, args]) => ({
    description: description!,
    command: `<%= config.bin %> <%= command.id %> ${args}`,
  }));
  static override args = {
    module: Args.string({
      description: "module that exports contract, name and create",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    seed: Flags.string({
      summary: "seed of the random operations",
      helpValue: "<n>",
      defaultHelp: async () => "1",
    }),
    "time-limit": Flags.string({
      summary: "a call that takes longer hangs",
      helpValue: "<time>",
      defaultHelp: async () => "10s",
    }),
  };

  async run(): Promise<ConformDocument> {
    const { args, flags } = await this.parse(Conform);
    const plan = resolveConformPlan(args.module, flags.seed, flags["time-limit"]);
    const { runConform } = await import("../replay/conform/run-conform.js");
    const { document, exitCode } = await runConform(plan);
    process.exitCode = exitCode;
    const { conformTable } = await import("../report/table/conform-table.js");
    this.log(conformTable(document, styleFor(process.stdout, process.env)));
    return document;
  }
}
