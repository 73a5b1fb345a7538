import { Args, Flags } from "@oclif/core";
import { isStream, nameOf } from "../replay/capture/stream.js";
import { NetmemError } from "../replay/error.js";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { ParityDocument } from "../replay/record/parity.js";
import type { VmParityDocument } from "../replay/record/vm-parity.js";
import { DEFAULT_GUEST_KERNEL } from "../replay/vm/kernels.js";
import { BaseCommand } from "./shared/base-command.js";

/** Time that one scenario may take in a guest. */
const GUEST_RUN_MS = 120_000;

/** Holds the model against this machine's own kernel. */
export default class Parity extends BaseCommand {
  static override summary = "Compare the model with Linux TCP, stream by stream.";
  static override description = `\
The capture goes through the model and through the kernel's own TCP (backend kernel-tcp), packet \
by packet. Bytes, digest and end of every stream are compared, and the TCP counters that both \
have. Each difference is listed with the packet with which it began, counted from 0.

With --vm, the model's zcrx or devmem is held against the kernel's own in a guest (netmem vm), \
scenario by scenario.

Exit code 7 if a stream's bytes differ, 4 if kernel-tcp cannot run here.`;
  static override examples = [
    {
      description: "One capture.",
      command: "<%= config.bin %> <%= command.id %> capture.pcap",
    },
    {
      description: "The model's zcrx with the kernel's, in a guest.",
      command: "<%= config.bin %> <%= command.id %> --vm --provider zcrx capture.pcap",
    },
    {
      description: "Without looking for the packets behind counters, as JSON.",
      command: "<%= config.bin %> <%= command.id %> --no-locate --json capture.pcap",
    },
  ];
  static override args = {
    capture: Args.string({ description: "pcap or pcapng file", required: true }),
  };
  static override flags = {
    kernel: Flags.string({ summary: "rules of the model", helpValue: "<version>" }),
    limit: Flags.string({ summary: "packets compared at most", helpValue: "<n>|none" }),
    provider: Flags.string({
      summary: "provider to compare in a guest",
      options: ["zcrx", "devmem"],
      defaultHelp: async () => "zcrx",
      dependsOn: ["vm"],
    }),
    vm: Flags.boolean({ summary: "compare with the real provider in a guest" }),
    locate: Flags.boolean({
      summary: "look for the packet behind each counter's difference",
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<ParityDocument | VmParityDocument> {
    const { args, flags } = await this.parse(Parity);
    if (isStream(args.capture)) {
      const once = nameOf(args.capture);
      const message = `parity reads its capture several times, and ${once} only once`;
      throw new NetmemError("NETMEM_USAGE", message, "Write the capture to a file first.");
    }
    if (flags.vm) return this.#inGuest(args.capture, flags);
    const { locate, kernel, limit } = flags;
    const config = await resolveConfig({
      flags: { kernel, limit },
      environment: process.env,
      cwd: process.cwd(),
    });
    const { compareWithKernel } = await import("../replay/run/native-parity.js");
    const { document, exitCode } = await this.interruptible((signal) =>
      compareWithKernel(config, args.capture, { signal, warn: () => {} }, locate),
    );
    this.leaveWith(exitCode);
    const { parityTable } = await import("../report/table/parity-table.js");
    const { styleFor } = await import("../report/table/style.js");
    this.log(parityTable(document, styleFor(process.stdout, process.env)));
    return document;
  }

  async #inGuest(
    capture: string,
    flags: { kernel?: string; limit?: string; provider?: string },
  ): Promise<VmParityDocument> {
    const { compareWithGuest } = await import("../replay/vm/vm-parity.js");
    const { limit } = await resolveConfig({
      flags: { limit: flags.limit },
      environment: {},
      cwd: "/",
    });
    const { document, exitCode } = await this.interruptible((signal) =>
      compareWithGuest({
        capture,
        provider: (flags.provider ?? "zcrx") as "zcrx" | "devmem",
        kernel: flags.kernel ?? DEFAULT_GUEST_KERNEL,
        limit,
        timeoutMs: GUEST_RUN_MS,
        signal,
        onStep: (text) => {
          if (process.stderr.isTTY) process.stderr.write(`netmem: ${text}\n`);
        },
      }),
    );
    this.leaveWith(exitCode);
    const { vmParityTable } = await import("../report/table/vm-parity-table.js");
    const { styleFor } = await import("../report/table/style.js");
    this.log(vmParityTable(document, styleFor(process.stdout, process.env)));
    return document;
  }
}
