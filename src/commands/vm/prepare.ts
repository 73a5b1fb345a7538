import { Flags } from "@oclif/core";
import { DEFAULT_GUEST_KERNEL, GUEST_KERNELS } from "../../replay/vm/kernels.js";
import type { PreparedGuest } from "../../replay/vm/prepare.js";
import { BaseCommand } from "../shared/base-command.js";

/** Fetches a kernel and builds the guest that `vm run` boots. */
export default class VmPrepare extends BaseCommand {
  static override summary = "Fetch a kernel and make a guest for real zcrx and devmem.";
  static override description = `\
Fetches a pinned Debian kernel with its own compiler and headers through this machine's apt (with \
folders of its own; nothing is installed), builds the virtual NIC, and packs this netmem's Node. \
Kept in ~/.cache/netmem/vm (NETMEM_VM_CACHE); afterwards no network is needed. No root.

Pinned kernels: ${GUEST_KERNELS.map(({ id, release }) => `${id} (${release})`).join(", ")}.`;
  static override examples = [
    { description: "The default kernel.", command: "<%= config.bin %> <%= command.id %>" },
    {
      description: "Another one.",
      command: "<%= config.bin %> <%= command.id %> --kernel 7.2",
    },
  ];
  static override flags = {
    kernel: Flags.string({
      summary: "kernel to prepare",
      helpValue: "<version>",
      default: DEFAULT_GUEST_KERNEL,
    }),
    "kernel-deb": Flags.string({
      summary: "kernel packages of your own: the image first, then headers and kbuild",
      helpValue: "<file>",
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<PreparedGuest> {
    const { flags } = await this.parse(VmPrepare);
    const { prepareGuest } = await import("../../replay/vm/prepare.js");
    const guest = await this.interruptible((signal) =>
      prepareGuest({
        kernel: flags.kernel,
        kernelDebs: flags["kernel-deb"] ?? [],
        signal,
        onStep: (text) => {
          if (!this.jsonEnabled()) process.stderr.write(`netmem: ${text}\n`);
        },
      }),
    );
    const source = guest.pinned ? "pinned" : "unpinned";
    const nic = guest.nmsim ? "nmsim built" : "no headers, so no nmsim";
    this.log(`${guest.release} (${source}), ${nic}, CPU by ${guest.accelerator}`);
    return guest;
  }
}
