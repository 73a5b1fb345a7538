import { Args, Flags } from "@oclif/core";
import type { VmSelftestDocument } from "../../replay/record/vm-selftest.js";
import { DEFAULT_GUEST_KERNEL } from "../../replay/vm/kernels.js";
import { BaseCommand } from "../shared/base-command.js";

/** Tests the virtual NIC in the guest. */
export default class VmSelftest extends BaseCommand {
  static override summary = "Test the virtual NIC itself in the guest.";
  static override description = `\
Loads and unloads nmsim, opens and closes its ports, and lets links flap, queues restart and \
readers die by SIGKILL under a capture's traffic, with zcrx and with devmem. Then it reads what \
the kernel says: its log, taint, KFENCE, kmemleak where there is one, and page pools that stayed.

Exit code 7 if a step fails or the kernel complains.`;
  static override examples = [
    {
      description: "The default kernel.",
      command: "<%= config.bin %> <%= command.id %> capture.pcap",
    },
    {
      description: "Another kernel, as JSON.",
      command: "<%= config.bin %> <%= command.id %> --kernel 7.2 --json capture.pcap",
    },
  ];
  static override args = {
    capture: Args.string({ description: "pcap or pcapng file", required: true }),
  };
  static override flags = {
    kernel: Flags.string({
      summary: "kernel of the guest",
      helpValue: "<version>",
      default: DEFAULT_GUEST_KERNEL,
    }),
    limit: Flags.integer({
      summary: "packets replayed in each step at most",
      helpValue: "<n>",
      default: 400,
      min: 1,
    }),
  };

  async run(): Promise<VmSelftestDocument> {
    const { args, flags } = await this.parse(VmSelftest);
    const { selftestGuest } = await import("../../replay/vm/selftest.js");
    const { document, exitCode } = await this.interruptible((signal) =>
      selftestGuest({
        capture: args.capture,
        kernel: flags.kernel,
        limit: flags.limit,
        signal,
        onStep: (text) => {
          if (process.stderr.isTTY) process.stderr.write(`netmem: ${text}\n`);
        },
      }),
    );
    process.exitCode = exitCode;
    const { vmSelftestTable } = await import("../../report/table/vm-selftest-table.js");
    const { styleFor } = await import("../../report/table/style.js");
    this.log(vmSelftestTable(document, styleFor(process.stdout, process.env)));
    return document;
  }
}
