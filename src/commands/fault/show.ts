import { Args } from "@oclif/core";
import { faultEntry } from "../../replay/fault/catalogue.js";
import type { FaultEntry } from "../../replay/record/fault-schema.js";
import { faultEntryText } from "../../report/table/fault-table.js";
import { styleFor } from "../../report/table/style.js";
import { BaseCommand } from "../shared/base-command.js";

/** Shows one row of the fault catalogue. */
export default class FaultShow extends BaseCommand {
  static override summary = "Show a row of the fault catalogue.";
  static override description =
    "Where the bug is known from, the invariant that it breaks, how it is staged, and what is " +
    "promised under today's rules.";
  static override examples = [
    {
      description: "The refill ring that starts with what its memory held.",
      command: "<%= config.bin %> <%= command.id %> F12",
    },
    {
      description: "The same for a program.",
      command: "<%= config.bin %> <%= command.id %> F12 --json",
    },
  ];
  static override args = {
    row: Args.string({ description: "F1 to F40", required: true, ignoreStdin: true }),
  };

  async run(): Promise<FaultEntry> {
    const { args } = await this.parse(FaultShow);
    const entry = faultEntry(args.row);
    this.log(faultEntryText(entry, styleFor(process.stdout, process.env)));
    return entry;
  }
}
