import { Args } from "@oclif/core";
import { sideKind } from "../replay/compare/sides.js";
import { NetmemError } from "../replay/error.js";
import { resolveTrials } from "../replay/plan/trial-plan.js";
import type { GateReport } from "../report/gate/gate-report.js";
import { styleFor } from "../report/table/style.js";
import { BaseCommand } from "./shared/base-command.js";
import { prepareExports, writeExports } from "./shared/exports.js";
import { gateSides } from "./shared/gate-sides.js";
import { GateWatch, outcomeCode } from "./shared/gate-verdict.js";
import { gateCharts } from "./shared/print-document.js";
import { replayFlags } from "./shared/replay-flags.js";
import { trialFlags } from "./shared/trial-flags.js";
import { gravest, runWithProgress } from "./shared/trial-run.js";

const DESCRIPTION = `\
A threshold is METRIC[{TAG=VALUE,...}][: AGG] OP BOUND: a metric such as leak.netmems, \
pool.recycling_pct, latency.deliver, copy.bytes, drop.total or host.ns_per_packet; tags provider, \
backend, capture, owner; AGG one of count, rate, value, min, max, avg, med, p(99.9); a bound with \
its unit, or baseline, baseline*1.05, baseline+200ns. Without tags it holds for each provider and \
capture.

Thresholds come from --threshold, from --file, or from netmem.gate.yaml in this folder or above. \
Model metrics are held exactly. Host time is held over repetitions: it fails where the samples \
rule out that the bound is kept, passes where they rule out that it is broken, and is \
inconclusive else.

The outcome is pass (0), fail (3) or inconclusive (0, or 6 with --inconclusive fail). An unknown \
metric, no samples, no or unlike baseline (2), a missing backend (4) and a cut record (5) are \
errors, never a pass.`;

/** Holds thresholds against captures, records or builds. */
export default class Gate extends BaseCommand {
  static override summary = "Hold thresholds against a run and fail where they are broken.";
  static override description = DESCRIPTION;
  static override examples = [
    {
      description: "Nothing leaks, nothing is copied from device memory.",
      command:
        "<%= config.bin %> <%= command.id %> --threshold 'leak.netmems == 0' " +
        "--threshold 'copy.bytes{provider=devmem} == 0' capture.pcap",
    },
    {
      description: "Latency against an earlier record: the base, then the head.",
      command:
        "netmem replay --quiet --export json=main.json capture.pcap && " +
        "<%= config.bin %> <%= command.id %> main.json main.json " +
        "--threshold 'latency.deliver: p(99) <= baseline*1.05'",
    },
    {
      description: "Host time of two builds on this machine, interleaved.",
      command:
        "<%= config.bin %> <%= command.id %> --repetitions 5 --warmup 0 " +
        "--threshold 'host.ns_per_packet <= baseline*100' " +
        "--base 'netmem replay capture.pcap' --head 'netmem replay capture.pcap'",
    },
  ];
  static override usage = [
    "<%= command.id %> CAPTURE... [FLAGS]",
    "<%= command.id %> [BASE-RECORD] RECORD [FLAGS]",
    "<%= command.id %> --base CMD --head CMD [FLAGS]",
  ];
  static override args = {
    input: Args.string({
      description: "captures to replay, a record, or two: the base and the head",
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...replayFlags(), ...trialFlags("gate") };

  async run(): Promise<GateReport> {
    const { args, flags } = await this.parse(Gate);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const settings = await resolveTrials("gate", sources);
    const paths = args.input ?? [];
    const kind = await sideKind(paths, settings, flags);
    const sides = await gateSides(kind, paths, sources, settings);
    const { config, plan } = sides;
    this.jsonWanted ||= config.json;
    const { exports } = config;
    await prepareExports({ exports, intervalNs: null }, this.jsonEnabled());
    const watch = new GateWatch(sides);
    const run = await runWithProgress(sides.labels, (hooks) => sides.subjects(hooks), {
      plan,
      silent: config.quiet || this.jsonEnabled(),
      keep: settings.keep,
      drafts: [],
      documentOf: () => null,
      isDecided: (trials) => watch.isDecided(trials),
    });
    this.interrupted = run.interrupted;
    if (run.interrupted) {
      const message = "interrupted: a part of the replays decides nothing";
      throw new NetmemError("NETMEM_NO_SAMPLES", message, "Run the gate again.");
    }
    const report = watch.report(run.trials);
    const code = gravest([sides.pastCode, run.exitCode, outcomeCode(report, sides.inconclusive)]);
    process.exitCode = code;
    if (!this.jsonEnabled() && !exports.some(({ file }) => file === "-")) {
      const { gateTable } = await import("../report/table/gate-table.js");
      const detail = config.quiet ? "quiet" : config.verbose ? "verbose" : "normal";
      const text = gateTable(report, detail, styleFor(process.stdout, process.env));
      const charts = config.chart ? await gateCharts(sides.records(run.trials)) : "";
      const shown = [text, charts].filter((block) => block !== "").join("\n\n");
      if (shown !== "") this.log(shown);
    }
    await writeExports({ exports, intervalNs: null }, null, report);
    return report;
  }
}
