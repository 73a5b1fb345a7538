import { faultEntries } from "../../replay/fault/catalogue.js";
import type { FaultEntry } from "../../replay/record/fault-schema.js";
import { faultListTable } from "../../report/table/fault-table.js";
import { styleFor } from "../../report/table/style.js";
import { BaseCommand } from "../shared/base-command.js";

/** Lists the fault catalogue. */
export default class FaultList extends BaseCommand {
  static override summary = "List the fault catalogue: 40 bugs of the zero-copy receive path.";
  static override description =
    "Each row is a bug that Linux had, or a model that breaks a rule, with what must hold. " +
    "Staged on: capture (a whole receive path; takes a capture), path (the same with traffic of " +
    "its own), parts (the kernel's functions alone).";
  static override examples = [
    { description: "The forty rows.", command: "<%= config.bin %> <%= command.id %>" },
    {
      description: "The same for a program, with sources and invariants.",
      command: "<%= config.bin %> <%= command.id %> --json",
    },
  ];

  async run(): Promise<{ faults: FaultEntry[] }> {
    await this.parse(FaultList);
    const faults = faultEntries();
    this.log(faultListTable(faults, styleFor(process.stdout, process.env)));
    return { faults };
  }
}
