import type { Comparison } from "../../replay/record/comparison-schema.js";
import type { GateReport } from "../../replay/record/gate-schema.js";
import { OWNERS, POOL_COUNTERS, STAGES } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { clockOf, intervalsOf } from "../intervals.js";
import { allMetrics, namesIn } from "../metric/catalog.js";
import type { Subject } from "./subject.js";

/**
 * One table in long form, a figure a row, for spreadsheets and data frames (RFC 4180, a comma, CRLF
 * as the RFC has it).
 *
 *      capture, provider, backend, column, start_ns, metric, statistic, value, unit, verdict, clock
 *
 * `column` is a comparison's, `start_ns` an interval's; `verdict` a gate's or a comparison's;
 * `clock` that of times: `model`, `kernel` or `host`.
 */
const COLUMNS = [
  "capture",
  "provider",
  "backend",
  "column",
  "start_ns",
  "metric",
  "statistic",
  "value",
  "unit",
  "verdict",
  "clock",
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], string | number | null>>;

const LATENCY = ["count", "min", "mean", "p50", "p90", "p99", "p999", "max"] as const;

/** See {@link COLUMNS}. */
export function exportCsv({ records, gates, comparisons }: Subject): string {
  const rows = [
    ...records.flatMap(recordRows),
    ...gates.flatMap(gateRows),
    ...comparisons.flatMap(comparisonRows),
  ];
  const lines = rows.map((row) => COLUMNS.map((name) => cell(row[name])).join(","));
  return [COLUMNS.join(","), ...lines].map((line) => `${line}\r\n`).join("");
}

function recordRows(record: NetmemRecord): Row[] {
  return record.runs.flatMap((run) => {
    const of = { capture: record.capture.path, provider: run.provider, backend: run.backend };
    const rows = [...figureRows(run), ...latencyRows(run), ...leakRows(run), ...intervalRows(run)];
    return rows.map((row) => ({ ...of, ...row }));
  });
}

/** Everything that has a metric name and one value. */
function figureRows(run: RunRecord): Row[] {
  const metrics = new Set(allMetrics(namesIn([run], { drops: [], mibs: [] })).values());
  const counted = Object.entries({ packets: run.packets, bytes: run.bytes }).map(
    ([metric, value]): Row => ({ metric, value, unit: metric === "bytes" ? "bytes" : "" }),
  );
  const named = [...metrics]
    .filter(({ kind }) => kind !== "latency")
    .map(({ name, unit, value, host }): Row => {
      const row = { metric: name, unit, value: value(run) };
      return host ? { ...row, clock: "host" } : row;
    });
  const copied = Object.entries(run.copy.byReason).map(
    ([reason, value]): Row => ({ metric: "copy.bytes", statistic: reason, value, unit: "bytes" }),
  );
  const driver = Object.entries(run.driver).map(
    ([name, value]): Row => ({ metric: `driver.${name}`, value }),
  );
  const header = POOL_COUNTERS.flatMap((name): Row[] =>
    run.headerPool === null ? [] : [{ metric: `header_pool.${name}`, value: run.headerPool[name] }],
  );
  return [...counted, ...named, ...copied, ...driver, ...header].filter(
    ({ value }) => value !== null,
  );
}

function latencyRows(run: RunRecord): Row[] {
  return STAGES.flatMap((stage) =>
    LATENCY.map((statistic): Row => {
      const { clock, [statistic]: value } = run.latency[stage];
      const unit = statistic === "count" ? "" : "ns";
      return { metric: `latency.${stage}`, statistic, value, unit, clock };
    }),
  );
}

function leakRows({ leaks }: RunRecord): Row[] {
  return OWNERS.map((owner) => ({
    metric: "leak.netmems",
    statistic: owner,
    value: leaks.byOwner[owner],
  }));
}

function intervalRows(run: RunRecord): Row[] {
  return intervalsOf(run).flatMap((interval) => {
    const { startNs, packets, bytes, deliveredBytes, drops, deliver, owners } = interval;
    const rows: Row[] = [
      { metric: "packets", value: packets },
      { metric: "bytes", value: bytes, unit: "bytes" },
      { metric: "delivered.bytes", value: deliveredBytes, unit: "bytes" },
      { metric: "drop.total", value: drops },
      { metric: "latency.deliver", statistic: "count", value: deliver.count },
      { metric: "latency.deliver", statistic: "p50", value: deliver.p50, unit: "ns" },
      { metric: "latency.deliver", statistic: "p99", value: deliver.p99, unit: "ns" },
      ...(owners === null
        ? []
        : OWNERS.map((owner) => ({ metric: "owners", statistic: owner, value: owners[owner] }))),
    ];
    const clock = clockOf(interval);
    return rows.map((row): Row => ({ start_ns: startNs, ...row, clock }));
  });
}

function gateRows({ subject, thresholds }: GateReport): Row[] {
  return thresholds.map(({ metric, agg, tags, value, unit, verdict }) => ({
    capture: tags.capture ?? subject.source,
    provider: tags.provider ?? "",
    backend: tags.backend ?? "",
    metric,
    statistic: agg,
    value,
    unit,
    verdict,
  }));
}

function comparisonRows({ rows, columns }: Comparison): Row[] {
  return rows.flatMap(({ metric, agg, tags, unit, cells }) =>
    cells.map((each, i) => ({
      capture: tags.capture ?? "",
      provider: tags.provider ?? "",
      backend: tags.backend ?? "",
      column: columns[i]!.label,
      metric,
      statistic: agg ?? "",
      value: each.value,
      unit,
      verdict: each.verdict,
    })),
  );
}

function cell(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
