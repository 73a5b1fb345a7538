import { Args, Flags } from "@oclif/core";
import type { ExplorePlan } from "../replay/plan/explore-plan.js";
import type { ExploreDocument, ScheduleDocument } from "../replay/record/explore-document.js";
import { styleFor } from "../report/table/style.js";
import { BaseCommand } from "./shared/base-command.js";

const DESCRIPTION = `\
Each pair is two or more kernel functions over the same words, written down step by step, with a \
yield point at each access of a shared word. Every interleaving of models of 1 to --size netmems \
is explored, up to --bound states each; then whole random schedules of a model twice as large. \
Under today's rules every pair must survive; a rule that is put back must be found, and comes with \
the shortest schedule and a command that replays it.

PLAN is a pair, a row of netmem fault list that is a race (F1: its pairs, under today's rules and \
with the bug put back), several of them with commas, or a YAML file with any of pairs, regress, \
size, bound, random and seed; flags beat the file.

Exit code 0: all as expected; 7: a rule of today was broken, or one put back was not found.`;

/** Explores the interleavings of kernel functions that race. */
export default class Explore extends BaseCommand {
  static override summary = "Explore the interleavings of racing kernel functions.";
  static override description = DESCRIPTION;
  static override examples = [
    ["Every pair under today's rules.", ""],
    ["The uref race of CVE-2026-43121, without and with it.", " F1"],
    ["Two races, put back wherever a pair knows them.", " --regress F5,F6"],
    ["Every rule put back in one pair.", " produce-free --regress all --random 0"],
    [
      "Replay one schedule, step by step.",
      " gro-stop --size 1 --schedule poll,poll,poll,poll,stop",
    ],
  ].map(([description, args]) => ({
    description: description!,
    command: `<%= config.bin %> <%= command.id %>${args}`,
  }));
  static override args = {
    plan: Args.string({
      description: "pair, row of the fault catalogue, or plan file",
      ignoreStdin: true,
    }),
  };
  static override flags = {
    regress: Flags.string({
      summary: "rules to put back: F1, several with commas, or all",
      helpValue: "<rule>",
    }),
    size: Flags.string({
      summary: "netmems or rounds of the largest model explored whole",
      helpValue: "<n>",
      defaultHelp: async () => "3",
    }),
    bound: Flags.string({
      summary: "states of one model at most",
      helpValue: "<n>",
      defaultHelp: async () => "250000",
    }),
    random: Flags.string({
      summary: "random schedules of a model twice as large",
      helpValue: "<n>",
      defaultHelp: async () => "20000",
    }),
    seed: Flags.string({
      summary: "seed of the random schedules",
      helpValue: "<n>",
      defaultHelp: async () => "1",
    }),
    schedule: Flags.string({
      summary: "replay one schedule: actors by commas, in the order of their steps",
      helpValue: "<actors>",
    }),
    markdown: Flags.boolean({ summary: "print the tables of docs/explore.md" }),
  };

  async run(): Promise<ExploreDocument | ScheduleDocument | { markdown: string }> {
    const { args, flags } = await this.parse(Explore);
    if (flags.markdown) {
      const { exploreMarkdown } = await import("../replay/explore/yield-table.js");
      const markdown = exploreMarkdown();
      this.log(markdown);
      return { markdown };
    }
    const { resolveExplorePlan } = await import("../replay/plan/explore-plan.js");
    const plan = await resolveExplorePlan({ ...flags, ...args });
    return plan.schedule === null ? this.#explore(plan) : this.#replay(plan);
  }

  async #explore(plan: ExplorePlan): Promise<ExploreDocument> {
    const { runExplore } = await import("../replay/explore/run-explore.js");
    const { document, exitCode } = await this.interruptible((signal) =>
      runExplore(plan, { signal }),
    );
    this.leaveWith(exitCode);
    const { exploreTable } = await import("../report/table/explore-table.js");
    this.log(exploreTable(document, styleFor(process.stdout, process.env)));
    return document;
  }

  async #replay(plan: ExplorePlan): Promise<ScheduleDocument> {
    const { runSchedule } = await import("../replay/explore/run-explore.js");
    const { document, exitCode } = runSchedule(plan);
    process.exitCode = exitCode;
    const { scheduleTable } = await import("../report/table/explore-table.js");
    this.log(scheduleTable(document, styleFor(process.stdout, process.env)));
    return document;
  }
}
