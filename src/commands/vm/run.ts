import { Args, Flags } from "@oclif/core";
import { NetmemError } from "../../replay/error.js";
import { parseTime } from "../../replay/plan/units.js";
import { ValueError } from "../../replay/plan/value-error.js";
import type { ReplayDocument } from "../../replay/record/schema.js";
import { DEFAULT_GUEST_KERNEL } from "../../replay/vm/kernels.js";
import { BaseCommand } from "../shared/base-command.js";
import { prepareExports, writeExports } from "../shared/exports.js";
import { printDocument } from "../shared/print-document.js";
import { replayFlags } from "../shared/replay-flags.js";

const { kernel: _model, ...shared } = replayFlags();

/** Replays captures through the real zcrx or devmem of a guest. */
export default class VmRun extends BaseCommand {
  static override summary = "Replay captures through real zcrx or devmem in a guest.";
  static override description = `\
Boots the prepared guest (and prepares it the first time), replays there with the virtual NIC, and \
brings the record back. The provider, the page pool, TCP and the receive calls are the kernel's \
own code; the NIC's DMA is one CPU copy in the driver. A record from a guest carries counts, and \
no time.

Exit codes: netmem help exit-codes.`;
  static override examples = [
    {
      description: "Real io_uring zcrx.",
      command: "<%= config.bin %> <%= command.id %> --backend kernel-zcrx capture.pcap",
    },
    {
      description: "Both providers on another kernel, as JSON.",
      command:
        "<%= config.bin %> <%= command.id %> --kernel 7.2 " +
        "--backend kernel-zcrx,kernel-devmem --json capture.pcap",
    },
  ];
  static override usage = "<%= command.id %> CAPTURE... [FLAGS]";
  static override args = {
    capture: Args.string({
      description: "capture file",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...shared,
    kernel: Flags.string({
      summary: "kernel of the guest",
      helpValue: "<version>",
      default: DEFAULT_GUEST_KERNEL,
    }),
    "time-limit": Flags.string({
      summary: "time that the replay may take in the guest",
      helpValue: "<time>",
      default: "120s",
    }),
  };

  async run(): Promise<ReplayDocument> {
    const { args, flags } = await this.parse(VmRun);
    const { replayInGuest } = await import("../../replay/vm/replay-in-guest.js");
    const { guestConfig } = await import("../../replay/vm/guest-config.js");
    const { "time-limit": limit, ...given } = flags;
    const config = await guestConfig({
      flags: given,
      environment: process.env,
      cwd: process.cwd(),
    });
    this.jsonWanted = config.json;
    const timeoutMs = timeLimitMs(String(limit));
    const plan = { exports: config.exports, intervalNs: null };
    await prepareExports(plan, this.jsonEnabled(), args.capture);
    const done = await this.interruptible((signal) =>
      replayInGuest({
        kernel: String(flags.kernel),
        captures: args.capture,
        config,
        timeoutMs,
        signal,
        onStep: (text) => {
          if (!this.jsonEnabled() && process.stderr.isTTY)
            process.stderr.write(`netmem: ${text}\n`);
        },
      }),
    );
    for (const line of done.complaints) process.stderr.write(`netmem: guest kernel: ${line}\n`);
    this.leaveWith(done.exitCode);
    if (!this.jsonEnabled()) await printDocument(config, done.document);
    await writeExports(config, null, done.document);
    return done.document;
  }
}

function timeLimitMs(text: string): number {
  try {
    return parseTime(text) / 1e6;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const suggestion = "See netmem vm run --help.";
    throw new NetmemError("NETMEM_USAGE", `--time-limit ${text} ${error.message}`, suggestion);
  }
}
