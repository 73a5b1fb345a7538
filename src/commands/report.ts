import { Args, Flags } from "@oclif/core";
import { EXPORT_FORMATS, type ExportFormat } from "../replay/record/export-formats.js";
import {
  loadDocuments,
  type NetmemDocument,
  parseDocuments,
} from "../replay/record/load-document.js";
import { STAGES, type Stage } from "../replay/record/names.js";
import { BaseCommand } from "./shared/base-command.js";

const DESCRIPTION = `\
Makes any export later, from what replay, compare or gate wrote with --json or --export json=FILE: \
one document a file, or several, one a line. table prints what replay printed, with --chart the \
charts below it. - reads standard input.

hgrm and hlog hold all providers and stages unless --provider or --stage choose; HdrHistogram's \
plotter takes files with one section. github adds the summary to the file of -o, such as \
"$GITHUB_STEP_SUMMARY", and writes the annotations to standard error.

A file that is cut, or that netmem did not write, ends with exit code 5.`;

async function standardInput(): Promise<NetmemDocument[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return parseDocuments(Buffer.concat(chunks).toString("utf8"), "standard input");
}

/** Makes reports from saved documents. */
export default class Report extends BaseCommand {
  static override summary = "Make a report from saved records.";
  static override description = DESCRIPTION;
  static override examples = [
    {
      description: "A page to look at in a browser, offline.",
      command: "<%= config.bin %> <%= command.id %> html record.json -o report.html",
    },
    {
      description: "One percentile distribution for HdrHistogram's plotter.",
      command:
        "<%= config.bin %> <%= command.id %> hgrm record.json --provider zcrx --stage deliver",
    },
    {
      description: "The table again, with charts.",
      command: "<%= config.bin %> <%= command.id %> table record.json --chart",
    },
  ];
  static override usage = "<%= command.id %> FORMAT RECORD... [FLAGS]";
  static override args = {
    format: Args.string({
      description: "what to make",
      options: ["table", ...EXPORT_FORMATS],
      required: true,
      ignoreStdin: true,
    }),
    record: Args.string({
      description: "records, suites, comparisons or gate reports; - is standard input",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    chart: Flags.boolean({ summary: "draw charts below the table", allowNo: true }),
    output: Flags.string({ char: "o", summary: "write to a file", helpValue: "<file>" }),
    provider: Flags.string({
      char: "p",
      summary: "only runs of this provider",
      helpValue: "<name>",
    }),
    stage: Flags.string({
      summary: "only this latency stage (hgrm, hlog)",
      options: [...STAGES],
    }),
    verbose: Flags.boolean({ char: "v", summary: "print every counter and digest (table)" }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Report);
    const files = args.record as unknown as string[];
    const { selectRuns } = await import("../report/export/select.js");
    const documents: NetmemDocument[] = [];
    for (const file of files) {
      documents.push(...(await (file === "-" ? standardInput() : loadDocuments(file))));
    }
    const { provider, stage } = flags;
    const chosen = selectRuns(documents, { provider, stage: stage as Stage | undefined });
    const { makeReport } = await import("./shared/make-report.js");
    return await makeReport(chosen, {
      format: args.format as ExportFormat | "table",
      file: flags.output ?? null,
      chart: flags.chart ?? false,
      verbose: flags.verbose,
      json: this.jsonEnabled(),
    });
  }
}
