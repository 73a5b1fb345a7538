import { assertWritable, writeWhole } from "../../replay/record/document-file.js";
import type { ExportFormat } from "../../replay/record/export-formats.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import type { ReplayDocument } from "../../replay/record/schema.js";
import { chartText } from "../../report/chart/text-chart.js";
import { exportText } from "../../report/export/exporters.js";
import { subjectOf } from "../../report/export/subject.js";
import { harmless } from "../../report/harmless.js";
import { comparisonTable } from "../../report/table/comparison-table.js";
import { gateTable } from "../../report/table/gate-table.js";
import { styleFor } from "../../report/table/style.js";
import { documentTable } from "../../report/table/suite-table.js";
import { writeExport } from "./exports.js";
import { terminalFace, terminalWidth } from "./terminal.js";

/** What `netmem report` was asked for. */
export interface ReportPlan {
  readonly format: ExportFormat | "table";
  /** Where to; null for standard output. */
  readonly file: string | null;
  readonly chart: boolean;
  readonly verbose: boolean;
  /** Whether standard output has to hold one JSON document that says what was made. */
  readonly json: boolean;
}

/**
 * Makes one report and writes it.
 *
 * @returns what --json prints: the format, the file, and without a file the text itself.
 */
export async function makeReport(
  documents: readonly NetmemDocument[],
  plan: ReportPlan,
): Promise<{ format: string; file: string | null; text?: string }> {
  const { format, file, json } = plan;
  if (file !== null && file !== "-") await assertWritable(file);
  if (format !== "table" && !json) {
    await writeExport({ format, file: file ?? "-" }, documents);
    return { format, file };
  }
  const text = format === "table" ? tables(documents, plan) : await exportText(format, documents);
  if (file === null || file === "-") {
    if (!json) process.stdout.write(format === "table" ? harmless(text) : text);
    return { format, file: null, text };
  }
  if (format === "github") await writeExport({ format, file }, documents);
  else await writeWhole(file, text);
  return { format, file };
}

function tables(documents: readonly NetmemDocument[], plan: ReportPlan): string {
  const { records } = subjectOf(documents);
  const style = styleFor(plan.file === null ? process.stdout : {}, process.env);
  const detail = plan.verbose ? "verbose" : "normal";
  const face = terminalFace(process.stdout);
  const blocks = documents.map((document) => {
    if (document.schema === "netmem.gate/1") return gateTable(document, detail, style);
    if (document.schema === "netmem.comparison/1") {
      return comparisonTable(document, detail, style, face.width);
    }
    const width = plan.file === null ? terminalWidth(process.stdout) : Number.POSITIVE_INFINITY;
    return documentTable(document as ReplayDocument, detail, style, width);
  });
  if (plan.chart && records.length > 0) blocks.push(chartText(documents, face));
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}
