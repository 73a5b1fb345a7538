import { Args, Flags } from "@oclif/core";
import { runFaults } from "../../replay/fault/run-faults.js";
import type { FaultDocument } from "../../replay/record/fault-schema.js";
import { faultMarkdown, faultRunTable } from "../../report/table/fault-table.js";
import { styleFor } from "../../report/table/style.js";
import { BaseCommand } from "../shared/base-command.js";

/** Plays rows of the fault catalogue. */
export default class FaultRun extends BaseCommand {
  static override summary = "Play rows of the fault catalogue, without and with their bug.";
  static override description = `\
Each row runs twice. Under today's rules it must end with no leak, no broken invariant and what it \
promises: an errno, a counter, an order. With the historic bug put back (--regress) the harness \
must find it, and name the owner and the transition.

Rows that take traffic run on the first 2,048 packets of CAPTURE, if one is given and shows the \
bug; else on traffic of their own.

Exit code 0 when each row is clean and detected or excepted, else 7.`;
  static override examples = [
    { description: "The whole catalogue.", command: "<%= config.bin %> <%= command.id %> all" },
    {
      description: "One row on a capture, with the story of the netmem.",
      command: "<%= config.bin %> <%= command.id %> F17 capture.pcap",
    },
    {
      description: "Several rows for a program.",
      command: "<%= config.bin %> <%= command.id %> F1,F2,F12 --json",
    },
  ];
  static override args = {
    rows: Args.string({
      description: "F1 to F40, several joined by commas, or all",
      required: true,
      ignoreStdin: true,
    }),
    capture: Args.string({ description: "pcap or pcapng file", ignoreStdin: true }),
  };

  static override flags = {
    markdown: Flags.boolean({ summary: "print the detection table of docs/faults.md" }),
  };

  async run(): Promise<FaultDocument> {
    const { args, flags } = await this.parse(FaultRun);
    const { document, exitCode } = await this.interruptible((signal) =>
      runFaults([args.rows], args.capture ?? null, signal),
    );
    this.leaveWith(exitCode);
    const style = styleFor(process.stdout, process.env);
    this.log(flags.markdown ? faultMarkdown(document) : faultRunTable(document, style));
    return document;
  }
}
