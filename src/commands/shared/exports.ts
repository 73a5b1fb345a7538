import { stat } from "node:fs/promises";
import { EXIT, NetmemError } from "../../replay/error.js";
import type { ExportTarget } from "../../replay/plan/replay-config.js";
import {
  appendText,
  assertNoInput,
  assertWritable,
  writeWhole,
} from "../../replay/record/document-file.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import { exportText } from "../../report/export/exporters.js";
import { LiveNdjson } from "./live-ndjson.js";

/** What a command that exports has been asked for. */
interface ExportPlan {
  readonly exports: readonly ExportTarget[];
  readonly intervalNs: number | null;
}

/**
 * Fails early where an export could not be written at the end of a long run, and opens the NDJSON
 * that is written meanwhile; null where none is.
 *
 * @throws NetmemError NETMEM_USAGE when --json and an export both want standard output, or an
 *   export would take the place of a capture.
 */
export async function prepareExports(
  { exports, intervalNs }: ExportPlan,
  json: boolean,
  captures: readonly string[] = [],
): Promise<LiveNdjson | null> {
  for (const { format, file } of exports) {
    if (file !== "-") {
      await assertNoInput(file, captures);
      await assertWritable(file);
    } else if (json) {
      throw new NetmemError(
        "NETMEM_USAGE",
        `--json and --export ${format}=- both write to standard output`,
        `Leave one out, or write --export ${format}=FILE.`,
      );
    }
  }
  const live = exports.filter(({ format }) => format === "ndjson" && intervalNs !== null);
  return live.length === 0 ? null : new LiveNdjson(live);
}

/**
 * Writes every export of a document. A failed one is told on standard error; the document was
 * already made and stays whole. `-` is standard output.
 */
export async function writeExports(
  { exports }: ExportPlan,
  live: LiveNdjson | null,
  document: NetmemDocument,
): Promise<void> {
  for (const target of exports) {
    try {
      if (live === null || target.format !== "ndjson") await writeExport(target, [document]);
    } catch (error) {
      failed(error as Error);
    }
  }
  try {
    live?.finish(document);
    live?.close();
  } catch (error) {
    failed(error as Error);
  }
}

function failed(error: Error): void {
  process.stderr.write(`netmem: ${error.message}\n`);
  if ((process.exitCode ?? EXIT.done) === EXIT.done) process.exitCode = EXIT.defect;
}

/**
 * Writes one export. A GitHub step summary is added to its file, within what the step's file may
 * still take, and its annotations go to standard error, where the runner reads them too.
 *
 * @throws NetmemError NETMEM_EXPORT where the file cannot be written.
 */
export async function writeExport(
  { format, file }: ExportTarget,
  documents: readonly NetmemDocument[],
): Promise<void> {
  if (format === "github") return await writeSummary(file, documents);
  const text = await exportText(format, documents);
  if (file === "-") process.stdout.write(text);
  else await writeWhole(file, text);
}

async function writeSummary(file: string, documents: readonly NetmemDocument[]): Promise<void> {
  const { annotations, summaryWithin, SUMMARY_LIMIT } = await import(
    "../../report/export/github.js"
  );
  const { subjectOf } = await import("../../report/export/subject.js");
  const subject = subjectOf(documents);
  const summary = summaryWithin(subject, SUMMARY_LIMIT - (file === "-" ? 0 : await sizeOf(file)));
  if (file === "-") process.stdout.write(summary);
  else await appendText(file, `${summary}\n`);
  process.stderr.write(annotations(subject));
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
