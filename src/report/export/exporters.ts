import type { ExportFormat } from "../../replay/record/export-formats.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import { type Subject, subjectOf } from "./subject.js";

/** Makes the text of one export. */
export type Exporter = (subject: Subject) => string;

/** One file a format, loaded when it is asked for. */
const EXPORTERS: Readonly<Record<Exclude<ExportFormat, "json">, () => Promise<Exporter>>> = {
  ndjson: async () => (await import("./ndjson.js")).exportNdjson,
  csv: async () => (await import("./csv.js")).exportCsv,
  md: async () => (await import("./md.js")).exportMarkdown,
  html: async () => (await import("../html/page.js")).exportHtml,
  hgrm: async () => (await import("./hgrm.js")).exportHgrm,
  hlog: async () => (await import("./hlog.js")).exportHlog,
  junit: async () => (await import("./junit.js")).exportJunit,
  ktap: async () => (await import("./ktap.js")).exportKtap,
  github: async () => (await import("./github.js")).exportSummary,
};

/**
 * The text of an export of documents, ready for a file.
 *
 * @throws NetmemError NETMEM_USAGE where a format has nothing to show of these documents.
 */
export async function exportText(
  format: ExportFormat,
  documents: readonly NetmemDocument[],
): Promise<string> {
  // Any document is its own JSON, those of which there is nothing to report too.
  if (format === "json") return (await import("./json.js")).exportJson({ documents });
  const exporter = await EXPORTERS[format]();
  return exporter(subjectOf(documents));
}
