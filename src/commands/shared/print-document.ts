import type { ReplayConfig } from "../../replay/plan/replay-config.js";
import type { ComparisonShard } from "../../replay/record/comparison-shard-schema.js";
import type { NetmemRecord, ReplayDocument } from "../../replay/record/schema.js";
import type { comparisonChart } from "../../report/chart/comparison-chart.js";
import { chartText } from "../../report/chart/text-chart.js";
import type { Comparison } from "../../report/compare/comparison.js";
import { harmless } from "../../report/harmless.js";
import { styleFor } from "../../report/table/style.js";
import { documentTable } from "../../report/table/suite-table.js";
import { terminalFace, terminalWidth } from "./terminal.js";

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
  const style = styleFor(process.stdout, process.env);
  const table = documentTable(document, detail, style, terminalWidth(process.stdout));
  const charts = config.chart ? chartText([document], terminalFace(process.stdout)) : "";
  const text = [table, charts].filter((block) => block !== "").join("\n\n");
  if (text !== "") process.stdout.write(`${harmless(text)}\n`);
}

/**
 * Prints the table of a comparison, or of a part of one, and with --chart the latencies of what was
 * compared below it; nothing where an export took its place.
 */
export async function printComparison(
  config: Pick<ReplayConfig, "exports" | "quiet" | "verbose" | "chart">,
  document: Comparison | ComparisonShard,
  charted: Parameters<typeof comparisonChart>[0],
): Promise<void> {
  if (config.exports.some(({ file }) => file === "-")) return;
  const detail = config.quiet ? "quiet" : config.verbose ? "verbose" : "normal";
  const style = styleFor(process.stdout, process.env);
  let text: string;
  if (document.schema === "netmem.comparison/1") {
    const { comparisonTable } = await import("../../report/table/comparison-table.js");
    text = comparisonTable(document, detail, style, terminalFace(process.stdout).width);
  } else {
    const { shardTable } = await import("../../report/table/shard-table.js");
    text = shardTable(document, detail, style);
  }
  const blocks = [text];
  if (config.chart) {
    const chart = await import("../../report/chart/comparison-chart.js");
    blocks.push(chart.comparisonChart(charted, terminalFace(process.stdout)));
  }
  const shown = blocks.filter((block) => block !== "").join("\n\n");
  if (shown !== "") process.stdout.write(`${harmless(shown)}\n`);
}

/** The charts of what a gate held its thresholds against, of each capture's first repetition. */
export async function gateCharts(records: readonly NetmemRecord[]): Promise<string> {
  const first = new Map([...records].reverse().map((record) => [record.capture.path, record]));
  return chartText([...first.values()].reverse(), terminalFace(process.stdout));
}
