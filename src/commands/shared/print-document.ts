import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import type { ReplayDocument } from "../../replay/record/schema.js";
import { chartText } from "../../report/chart/text-chart.js";
import { styleFor } from "../../report/table/style.js";
import { documentTable } from "../../report/table/suite-table.js";
import { terminalFace } from "./terminal.js";

/**
 * Prints the table of a replay on standard output, with --chart the charts below it; nothing where
 * an export took standard output for itself.
 */
export async function printDocument(
  config: Pick<ReplayConfig, "exports" | "quiet" | "verbose" | "chart">,
  document: ReplayDocument,
): Promise<void> {
  if (config.exports.some(({ file }) => file === "-")) return;
  const detail = config.quiet ? "quiet" : config.verbose ? "verbose" : "normal";
  const table = documentTable(document, detail, styleFor(process.stdout, process.env));
  const charts = config.chart ? chartText([document], terminalFace(process.stdout)) : "";
  const text = [table, charts].filter((block) => block !== "").join("\n\n");
  if (text !== "") process.stdout.write(`${text}\n`);
}
