import type { NetmemRecord } from "../../replay/record/schema.js";
import { timedNames } from "../table/run-name.js";
import type { Face } from "./face.js";
import { curvesChart } from "./percentile-chart.js";

/** Captures that have a chart at most. */
const CHARTS = 6;

/** What a comparison put side by side: a column's name, and its records. */
interface Charted {
  readonly label: string;
  readonly records: readonly NetmemRecord[];
}

/**
 * The delivery latency of every column over the percentiles, a chart a capture; of repetitions the
 * first, which for the model is each of them. Empty where nothing was delivered.
 */
export function comparisonChart(columns: readonly Charted[], face: Face): string {
  const paths = [
    ...new Set(columns.flatMap(({ records }) => records.map(({ capture }) => capture.path))),
  ];
  const charts = paths.slice(0, CHARTS).map((path) => {
    const text = curvesChart(
      columns.flatMap((column) => curvesOf(column, path)),
      face,
    );
    return paths.length === 1 || text === "" ? text : `${path}\n${text}`;
  });
  const more = paths.length - CHARTS;
  return [...charts, more > 0 ? `${more} more captures have no chart here` : ""]
    .filter((text) => text !== "")
    .join("\n\n");
}

function curvesOf({ label, records }: Charted, path: string) {
  const runs = records.find(({ capture }) => capture.path === path)?.runs ?? [];
  const names = timedNames(runs);
  return runs.map((run, i) => ({
    name: runs.length === 1 ? label : `${label} ${names[i]}`,
    deliver: run.latency.deliver,
  }));
}
