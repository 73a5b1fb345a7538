import { Args } from "@oclif/core";
import { replayRunner } from "../replay/conform/replay-runner.js";
import type { ReplayConfig } from "../replay/plan/replay-config.js";
import { resolveConfig } from "../replay/plan/resolve.js";
import type { ReplayDocument } from "../replay/record/schema.js";
import type { ReplayResult } from "../replay/run/contract.js";
import { harmless } from "../report/harmless.js";
import { BaseCommand } from "./shared/base-command.js";
import { prepareExports, writeExports } from "./shared/exports.js";
import type { LiveNdjson } from "./shared/live-ndjson.js";
import { printDocument } from "./shared/print-document.js";
import { ProgressLine } from "./shared/progress-line.js";
import { replayFlags } from "./shared/replay-flags.js";

const DESCRIPTION = `\
Each capture runs once for each memory provider: driver, page pool, skb, TCP, application and \
back. The table shows what was delivered, latency by stage on the model's clock, recycling, drops, \
leaks, and the host time that it took.

Sizes take B, KiB, MiB, GiB; times take ns, us, ms, s. A flag that takes several values is \
repeated or comma-separated. A flag beats its environment twin (--read-delay: \
NETMEM_READ_DELAY), which beats netmem.config.yaml or netmem.config.json, found in this folder or \
above. Of --multiplier, --pps, --mbps and --topspeed at most one holds; without them the recorded \
gaps do.

Exit codes: netmem help exit-codes.`;

const EXAMPLES = [
  ["Compare the three memory providers on one capture.", "capture.pcap"],
  [
    "An application that holds on to memory, with a small area.",
    "--provider devmem,zcrx --area 1MiB --hold 5ms capture.pcap",
  ],
  ["The record as JSON, with the digest of every stream.", "--streams --json capture.pcap"],
  [
    "Back to back, ten passes; the record goes to a file.",
    "--topspeed --loop 10 --export json=record.json capture.pcap",
  ],
].map(([description, args]) => ({
  description: description!,
  command: `<%= config.bin %> <%= command.id %> ${args}`,
}));

/** Replays captures through the modelled receive path and prints what happened. */
export default class Replay extends BaseCommand {
  static override summary = "Replay captures through the zero-copy receive path.";
  static override description = DESCRIPTION;
  static override examples = EXAMPLES;
  static override usage = "<%= command.id %> CAPTURE... [FLAGS]";
  static override args = {
    capture: Args.string({
      description: "pcap or pcapng file, plain or gzip; - reads standard input",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = replayFlags();

  async run(): Promise<ReplayDocument> {
    const { args, flags } = await this.parse(Replay);
    const config = await resolveConfig({ flags, environment: process.env, cwd: process.cwd() });
    this.jsonWanted = config.json;
    const live = await prepareExports(config, this.jsonEnabled(), args.capture);
    const result = await this.#replay(config, args.capture, live);
    this.leaveWith(result.exitCode);
    if (!this.jsonEnabled()) await printDocument(config, result.document);
    await writeExports(config, live, result.document);
    return result.document;
  }

  async #replay(
    config: ReplayConfig,
    paths: readonly string[],
    live: LiveNdjson | null,
  ): Promise<ReplayResult> {
    const run = await replayRunner(config);
    const progress = new ProgressLine(!config.quiet && !this.jsonEnabled());
    return await this.interruptible((signal) =>
      run(config, paths, {
        signal,
        onProgress: (state) => progress.show(state),
        ...(live === null ? {} : { onInterval: (ended) => live.interval(ended) }),
        warn: (message) => {
          progress.clear();
          if (!config.quiet && !this.jsonEnabled())
            process.stderr.write(harmless(`netmem: ${message}\n`));
        },
      }),
    ).finally(() => progress.clear());
  }
}
