import { Args } from "@oclif/core";
import { withOneProvider } from "../replay/plan/one-provider.js";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { SizeDocument } from "../replay/record/size.js";
import { BaseCommand } from "./shared/base-command.js";
import { modelFlags } from "./shared/model-flags.js";
import { ProgressLine } from "./shared/progress-line.js";
import { terminalFace } from "./shared/terminal.js";

/** Finds how much memory a capture needs. */
export default class Size extends BaseCommand {
  static override summary = "Find the smallest area and ring with no drops.";
  static override description = `\
Whole replays of the capture, with --area and --ring changed and all else as given: both are \
doubled until nothing is dropped for want of buffers or descriptors, then the ring is bisected in \
powers of two, then with that ring the area in whole netmems. A smaller ring keeps fewer netmems \
posted, and so needs less area.

The table has every replay, with what TCP made of it: while an application holds netmems, the \
window stays open and packets are lost at the NIC (docs/sizing.md).

All flags of replay that shape the run hold; one provider is looked at, zcrx where none is named. \
Exit code 0 whether or not there is such a size, otherwise that of the replays.`;
  static override examples = [
    {
      description: "What an application needs that gives back after 5 ms.",
      command: "<%= config.bin %> <%= command.id %> --provider zcrx --hold 5ms capture.pcap",
    },
    {
      description: "The same for devmem on gve, as JSON.",
      command:
        "<%= config.bin %> <%= command.id %> --provider devmem --driver gve --hold 5ms --json " +
        "capture.pcap",
    },
  ];
  static override usage = "<%= command.id %> CAPTURE [FLAGS]";
  static override args = {
    capture: Args.string({ description: "pcap or pcapng file, plain or gzip", required: true }),
  };
  static override flags = modelFlags();

  async run(): Promise<SizeDocument> {
    const { args, flags } = await this.parse(Size);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const resolved = await resolveConfig(sources);
    this.jsonWanted ||= resolved.json;
    const config = withOneProvider(resolved, flags.provider !== undefined, "size");
    const { runSize } = await import("../replay/size/run-size.js");
    const { replayRunner } = await import("../replay/conform/replay-runner.js");
    const replay = await replayRunner(config);
    const progress = new ProgressLine(!config.quiet && !this.jsonEnabled());
    const { document, exitCode } = await this.interruptible((signal) =>
      runSize({ ...config, leaks: "count" }, args.capture, {
        signal,
        replay,
        onSize: ({ netmems, ring }, nr) =>
          progress.text(`replay ${nr}: ring ${ring}, area of ${netmems} netmems`),
        warn: () => {},
      }),
    ).finally(() => progress.clear());
    this.leaveWith(exitCode);
    const { sizeTable } = await import("../report/table/size-table.js");
    const { styleFor } = await import("../report/table/style.js");
    const style = styleFor(process.stdout, process.env);
    this.log(sizeTable(document, terminalFace(process.stdout), style));
    return document;
  }
}
