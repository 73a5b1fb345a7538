import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import type { IntervalRecord } from "../../replay/record/series-schema.js";
import type { Subject } from "./subject.js";

/**
 * One JSON object a line, each with its `type`: what was replayed, then what happened, in an order
 * that a reader can take line by line.
 *
 *      interval   one interval of one provider's run; written while running
 *      owners     one point of the owners over time
 *      capture    what was read, the configuration, the warnings
 *      run        one provider's run without its series
 *      failed     a capture of which nothing was usable
 *      gate, comparison    the whole document
 */
export function exportNdjson(subject: Subject): string {
  return [
    ...subject.records.flatMap((record) => intervalLines(record)),
    ...summaryLines(subject),
  ].join("");
}

/** One interval as it is written while a replay goes on. */
export function intervalLine(capture: string, provider: string, interval: IntervalRecord): string {
  return line("interval", { capture, provider, ...interval });
}

/** All lines but those of intervals: what is written once the replay is over. */
export function summaryLines({ records, failed, gates, comparisons }: Subject): string[] {
  return [
    ...records.flatMap(recordLines),
    ...failed.map((each) => line("failed", each)),
    ...gates.map((gate) => line("gate", gate)),
    ...comparisons.map((comparison) => line("comparison", comparison)),
  ];
}

/** The intervals of all runs in the order of time. */
function intervalLines({ capture, runs }: NetmemRecord): string[] {
  const rows = runs.flatMap((run, order) =>
    (run.intervals ?? []).map((interval) => ({ provider: run.provider, interval, order })),
  );
  rows.sort((a, b) => Number(a.interval.startNs) - Number(b.interval.startNs) || a.order - b.order);
  return rows.map(({ provider, interval }) => intervalLine(capture.path, provider, interval));
}

function recordLines(record: NetmemRecord): string[] {
  const { runs, capture, ...rest } = record;
  return [
    line("capture", { ...rest, capture }),
    ...runs.flatMap((run) => ownerLines(capture.path, run)),
    ...runs.map(({ owners: _, intervals: _intervals, ...run }) =>
      line("run", { capture: capture.path, ...run }),
    ),
  ];
}

function ownerLines(capture: string, { provider, owners }: RunRecord): string[] {
  return (owners ?? []).map((point) => line("owners", { capture, provider, ...point }));
}

function line(type: string, content: object): string {
  return `${JSON.stringify({ type, ...content })}\n`;
}
