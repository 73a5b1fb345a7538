import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import type { AnyInterval } from "../../replay/record/series-schema.js";
import { clockOf, intervalsOf } from "../intervals.js";
import type { Subject } from "./subject.js";

/**
 * One JSON object a line, each with its `type`: what was replayed, then what happened, in an order
 * that a reader can take line by line.
 *
 *      interval   one interval of one run, with its clock; written while running
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
export function intervalLine(
  capture: string,
  { provider, backend }: Pick<RunRecord, "provider" | "backend">,
  interval: AnyInterval,
): string {
  const { startNs, clock: _, ...figures } = interval;
  const of = { capture, provider, backend, clock: clockOf(interval) };
  return line("interval", { ...of, startNs, ...figures });
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

/** The intervals of all runs: those of the model's clock, then those of a real one, by time. */
function intervalLines({ capture, runs }: NetmemRecord): string[] {
  const rows = runs.flatMap((run, order) =>
    intervalsOf(run).map((interval) => ({
      run,
      interval,
      order,
      real: clockOf(interval) === "kernel" ? 1 : 0,
    })),
  );
  rows.sort(
    (a, b) =>
      a.real - b.real ||
      Number(a.interval.startNs) - Number(b.interval.startNs) ||
      a.order - b.order,
  );
  return rows.map(({ run, interval }) => intervalLine(capture.path, run, interval));
}

function recordLines(record: NetmemRecord): string[] {
  const { runs, capture, ...rest } = record;
  return [
    line("capture", { ...rest, capture }),
    ...runs.flatMap((run) => ownerLines(capture.path, run)),
    ...runs.map((run) => line("run", { capture: capture.path, ...withoutSeries(run) })),
  ];
}

function withoutSeries({ owners: _, intervals: _intervals, host, ...run }: RunRecord): object {
  if (host === undefined) return run;
  const { intervals: _real, ...times } = host;
  return { ...run, host: times };
}

function ownerLines(capture: string, { provider, backend, owners }: RunRecord): string[] {
  return (owners ?? []).map((point) => line("owners", { capture, provider, backend, ...point }));
}

function line(type: string, content: object): string {
  return `${JSON.stringify({ type, ...content })}\n`;
}
