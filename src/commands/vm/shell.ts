import { Flags } from "@oclif/core";
import { DEFAULT_GUEST_KERNEL } from "../../replay/vm/kernels.js";
import { BaseCommand } from "../shared/base-command.js";

/** A shell in the guest. */
export default class VmShell extends BaseCommand {
  static override summary = "Open a shell in the guest.";
  static override description =
    "Boots the prepared guest on this terminal, with the virtual NIC and netmem in it. " +
    "`poweroff -f` ends it; so does Ctrl-A X.";
  static override examples = [
    { description: "The default kernel.", command: "<%= config.bin %> <%= command.id %>" },
    { description: "Another one.", command: "<%= config.bin %> <%= command.id %> --kernel 7.2" },
  ];
  static override flags = {
    kernel: Flags.string({
      summary: "kernel to boot",
      helpValue: "<version>",
      default: DEFAULT_GUEST_KERNEL,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(VmShell);
    const { guestOf } = await import("../../replay/vm/replay-in-guest.js");
    const { guestShell } = await import("../../replay/vm/guest-shell.js");
    const say = (text: string) => process.stderr.write(`netmem: ${text}\n`);
    await this.interruptible(async (signal) =>
      guestShell(await guestOf(flags.kernel, signal, say), signal),
    );
  }
}
