import { assertWritable, writeWhole } from "../../replay/record/document-file.js";
import type { ExportFormat } from "../../replay/record/export-formats.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import { NetmemError } from "../../replay/record/refusal.js";
import { chartText } from "../../report/chart/text-chart.js";
import { exportText } from "../../report/export/exporters.js";
import { subjectOf } from "../../report/export/subject.js";
import { styleFor } from "../../report/table/style.js";
import { documentTable } from "../../report/table/suite-table.js";
import { writeExport } from "./exports.js";
import { terminalFace } from "./terminal.js";

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
    if (!json) process.stdout.write(text);
    return { format, file: null, text };
  }
  if (format === "github") await writeExport({ format, file }, documents);
  else await writeWhole(file, text);
  return { format, file };
}

function tables(documents: readonly NetmemDocument[], plan: ReportPlan): string {
  const { gates, comparisons } = subjectOf(documents);
  if (gates.length + comparisons.length > 0) {
    throw new NetmemError(
      "NETMEM_USAGE",
      "a table is made of records and suites",
      "Use md, html, junit, ktap or github for a gate or a comparison.",
    );
  }
  const style = styleFor(plan.file === null ? process.stdout : {}, process.env);
  const detail = plan.verbose ? "verbose" : "normal";
  const blocks = documents.flatMap((document) =>
    document.schema === "netmem.record/1" || document.schema === "netmem.suite/1"
      ? [documentTable(document, detail, style)]
      : [],
  );
  if (plan.chart) blocks.push(chartText(documents, terminalFace(process.stdout)));
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}
