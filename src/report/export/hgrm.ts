import { toDouble } from "../../replay/record/json-number.js";
import { STAGES } from "../../replay/record/names.js";
import { decodeHistogram } from "../histogram.js";
import type { Subject } from "./subject.js";

/** Reporting ticks a half distance to 100 %; HdrHistogram's own tools use five. */
const TICKS = 5;

/**
 * Percentile distributions in the format of HdrHistogram's outputPercentileDistribution, in
 * nanoseconds. One section a provider and stage, behind a comment that names it; HdrHistogram's
 * plotter takes a file with one section, which `netmem report` makes with --provider and --stage.
 */
export function exportHgrm({ records }: Subject): string {
  const sections = records.flatMap(({ capture, runs }) =>
    runs.flatMap((run) =>
      STAGES.filter((stage) => toDouble(run.latency[stage].count) > 0).map((stage) => {
        const latency = run.latency[stage];
        const { provider, backend } = run;
        const of = `backend=${backend} provider=${provider}`;
        const name = `capture=${oneLine(capture.path)} ${of} stage=${stage}`;
        const body = decodeHistogram(latency).outputPercentileDistribution(TICKS, 1);
        return `#[netmem ${name} clock=${latency.clock} unit=ns]\n${body}\n`;
      }),
    ),
  );
  return sections.join("\n");
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
