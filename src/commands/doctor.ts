import type { DoctorDocument } from "../replay/record/doctor.js";
import { BaseCommand } from "./shared/base-command.js";

/** Says which backends this machine can run, and what the others lack. */
export default class Doctor extends BaseCommand {
  static override summary = "Show what this machine offers to the native backends.";
  static override description = `\
Every capability is tried for real, in a process and a network namespace of its own; no interface \
of the machine is changed. What is missing comes with how to get it.

The exit code is 0 whatever is missing; a replay through a backend that cannot run leaves with 4.`;
  static override examples = [
    {
      description: "What runs here, and what does not.",
      command: "<%= config.bin %> <%= command.id %>",
    },
    {
      description: "The same for a program.",
      command: "<%= config.bin %> <%= command.id %> --json",
    },
  ];

  async run(): Promise<DoctorDocument> {
    await this.parse(Doctor);
    const { examineMachine } = await import("../replay/run/native-doctor.js");
    const document = await examineMachine();
    const { doctorTable } = await import("../report/table/doctor-table.js");
    const { styleFor } = await import("../report/table/style.js");
    this.log(doctorTable(document, styleFor(process.stdout, process.env)));
    return document;
  }
}
