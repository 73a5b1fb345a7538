import { Args, Flags } from "@oclif/core";
import { withOneProvider } from "../replay/plan/one-provider.js";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { TraceDocument } from "../replay/record/trace.js";
import type { SubjectFlags } from "../replay/trace/subject.js";
import { BaseCommand } from "./shared/base-command.js";
import { modelFlags } from "./shared/model-flags.js";
import { ProgressLine } from "./shared/progress-line.js";

/** Tells the life of netmems. */
export default class Trace extends BaseCommand {
  static override summary = "Tell the life of a netmem, a packet's netmems, or all that leaked.";
  static override description = `\
Each transition with who made it (NAPI of a queue, thread of the application, netlink, io_uring, \
device, workqueue), model time, and the references before and after: those of the driver, of skbs \
and of the user, which together are pp_ref_count. Netmems count from 0; packets from 1, as \
capture.packets does.

--packet tells where the NIC placed the packet's headers and payload, and the life of these \
netmems from their pool until they are back; other packets in the same netmems are part of it. \
--packet and --leaked replay the capture twice.

All flags of replay that shape the run hold; one provider is looked at, zcrx where none is named. \
Exit codes are those of replay: 7 where something leaked, 2 for a netmem or packet that does not \
exist.`;
  static override examples = [
    {
      description: "Where packet 10 went, and who had it until its memory was back.",
      command: "<%= config.bin %> <%= command.id %> --packet 10 capture.pcap",
    },
    {
      description: "The last five transitions of a devmem netmem, as JSON.",
      command:
        "<%= config.bin %> <%= command.id %> --netmem 0 --last 5 --provider devmem --json " +
        "capture.pcap",
    },
    {
      description: "Every netmem that leaked.",
      command: "<%= config.bin %> <%= command.id %> --leaked capture.pcap",
    },
  ];
  static override usage = "<%= command.id %> CAPTURE (--netmem N|--packet N|--leaked) [FLAGS]";
  static override args = {
    capture: Args.string({
      description: "pcap or pcapng file, plain or gzip; - reads standard input",
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    netmem: Flags.string({ summary: "this netmem, from 0", helpValue: "<n>" }),
    packet: Flags.string({ summary: "the netmems of this packet, from 1", helpValue: "<n>" }),
    leaked: Flags.boolean({ summary: "all netmems that leaked" }),
    last: Flags.string({
      summary: "transitions shown of each netmem, the latest",
      helpValue: "<n>",
      default: "256",
    }),
    ...modelFlags(),
  };

  async run(): Promise<TraceDocument> {
    const { args, flags } = await this.parse(Trace);
    const { netmem, packet, leaked, last, ...shared } = flags as SubjectFlags &
      Record<string, string>;
    const sources = { flags: shared, environment: process.env, cwd: process.cwd() };
    const resolved = await resolveConfig(sources);
    this.jsonWanted ||= resolved.json;
    const config = withOneProvider(resolved, shared.provider !== undefined, "trace");
    const { lastOf, subjectOf } = await import("../replay/trace/subject.js");
    const subject = subjectOf({ netmem, packet, leaked });
    const { runTrace } = await import("../replay/trace/run-trace.js");
    const progress = new ProgressLine(!config.quiet && !this.jsonEnabled());
    const traced = await this.interruptible((signal) =>
      runTrace(
        {
          config: { ...config, leaks: "trace" },
          capture: args.capture,
          subject,
          last: lastOf(last!),
        },
        { signal, onProgress: (state) => progress.show(state), warn: () => {} },
      ),
    ).finally(() => progress.clear());
    this.leaveWith(traced.exitCode);
    const { traceTable } = await import("../report/table/trace-table.js");
    const { styleFor } = await import("../report/table/style.js");
    this.log(traceTable(traced.document, styleFor(process.stdout, process.env)));
    return traced.document;
  }
}
