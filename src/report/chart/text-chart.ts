import type { NetmemDocument } from "../../replay/record/load-document.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { subjectOf } from "../export/subject.js";
import type { Face } from "./face.js";
import { ownerChart } from "./owner-chart.js";
import { percentileChart } from "./percentile-chart.js";

/** The charts of documents as text, one block a record; empty where there is nothing to draw. */
export function chartText(documents: readonly NetmemDocument[], face: Face): string {
  const { records } = subjectOf(documents);
  return records
    .map((record) => recordCharts(record, face, records.length > 1))
    .filter((text) => text !== "")
    .join("\n\n");
}

function recordCharts(record: NetmemRecord, face: Face, named: boolean): string {
  const charts = [
    percentileChart(record, face),
    ...record.runs.map((run) => ownerChart(run, face)),
  ];
  const shown = charts.filter((chart) => chart !== "");
  if (shown.length === 0) return "";
  return [...(named ? [record.capture.path] : []), ...shown].join("\n\n");
}
