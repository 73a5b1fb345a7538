import { toDouble } from "../../replay/record/json-number.js";
import { STAGES } from "../../replay/record/names.js";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { runName } from "../table/run-name.js";
import type { Subject } from "./subject.js";

/** HdrHistogram's logs give the maximum in milliseconds where values are nanoseconds. */
const NS_PER_MS = 1e6;

/**
 * A histogram log, format 1.3, as HdrHistogram's HistogramLogReader and its log processor take it:
 * one line a provider and stage, tagged so, over the whole run. The histograms are those of the
 * record, byte for byte, so that the same record always gives the same log.
 */
export function exportHlog({ records }: Subject): string {
  return [
    "#[Logged with netmem]",
    "#[Histogram log format version 1.3]",
    "#[StartTime: 0.000 (seconds since epoch), model time begins at 0]",
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ...records.flatMap((record) => lines(record, records.length > 1)),
    "",
  ].join("\n");
}

function lines({ capture, runs }: NetmemRecord, several: boolean): string[] {
  const seconds = (toDouble(capture.durationNs) / 1e9).toFixed(3);
  const prefix = several ? `${tagText(capture.path)}.` : "";
  return runs.flatMap((run) =>
    STAGES.filter((stage) => toDouble(run.latency[stage].count) > 0).map((stage) => {
      const { hdr, max } = run.latency[stage];
      const maxMs = (toDouble(max) / NS_PER_MS).toFixed(3);
      return `Tag=${prefix}${runName(run)}.${stage},0.000,${seconds},${maxMs},${hdr}`;
    }),
  );
}

/** Tags hold no comma, blank or line break. */
function tagText(text: string): string {
  return text.replace(/[\s,]/g, "_");
}
