import { type JsonNumber, toDouble } from "../../replay/record/json-number.js";
import { OWNERS, POOL_COUNTERS, STAGES } from "../../replay/record/names.js";
import type { Latency, PoolRecord, RunRecord } from "../../replay/record/schema.js";
import { tellsDrop, tellsPool } from "../../replay/record/told.js";
import { nativeRows } from "./native-rows.js";
import { grouped, humanRate, humanTime, percent } from "./numbers.js";

/** A heading and its rows; each row a label and one cell a run. */
export interface Section {
  readonly title: string;
  /** Stands in each run's column beside the title: what the figures of its cells are. */
  readonly head?: string;
  readonly rows: ReadonlyArray<readonly string[]>;
}

/** Figures of a latency side by side in one cell. */
function latencyColumns(texts: readonly string[]): string {
  return texts.map((text) => text.padStart(6)).join(" ");
}

/** Figures of a latency that a table shows: the most of it is left out where there is no room. */
const FIGURES = ["p50", "p99", "max"] as const;
const FEWER = ["p50", "p99"] as const;

/**
 * All sections of the providers' table; `everything` keeps rows that are zero for all runs,
 * `narrow` leaves out the maxima.
 */
export function sectionsOf(
  runs: readonly RunRecord[],
  everything: boolean,
  narrow = false,
): Section[] {
  const figures = narrow ? FEWER : FIGURES;
  const sections = [
    { title: "delivered", rows: deliveryRows(runs, everything) },
    { title: latencyTitle(runs), head: latencyColumns(figures), rows: latencyRows(runs, figures) },
    { title: "page pool", rows: poolRows(runs, (run) => run.pool, everything) },
    { title: "drops, packets", rows: namedRows(runs, (run) => run.drops, tellsDrop) },
    { title: "faults, times", rows: namedRows(runs, faultCounts) },
    { title: "on the run's wire", rows: nativeRows(runs, everything) },
    { title: "leaks, netmems", rows: leakRows(runs, everything) },
    ...(everything ? verboseSections(runs) : []),
    { title: "host clock", rows: hostRows(runs, everything) },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function latencyTitle(runs: readonly RunRecord[]): string {
  const clocks = [...new Set(runs.map(({ clock }) => clock))];
  return `latency, ${clocks.join(" and ")} clock`;
}

function verboseSections(runs: readonly RunRecord[]): Section[] {
  return [
    { title: "header pool", rows: poolRows(runs, (run) => run.headerPool, true) },
    { title: "copied, bytes", rows: namedRows(runs, (run) => run.copy.byReason) },
    { title: "TCP", rows: namedRows(runs, (run) => run.tcp) },
    { title: "driver", rows: namedRows(runs, (run) => run.driver) },
  ];
}

function deliveryRows(runs: readonly RunRecord[], everything: boolean): string[][] {
  const number = (label: string, of: (run: RunRecord) => JsonNumber) => [
    label,
    ...runs.map((run) => grouped(of(run))),
  ];
  const rows = [
    number("bytes", (run) => run.deliveredBytes),
    number("by reference", (run) => run.reference.bytes),
    number("copied", (run) => run.copy.bytes),
    ["recycling", ...runs.map((run) => percent(run.recycle.recyclingPct))],
    ["end to end", ...runs.map((run) => percent(run.recycle.endToEndPct))],
    number("sockets", (run) => run.sockets.opened),
  ];
  if (!everything) return rows;
  return [
    ...rows,
    number("sockets, mid-stream", (run) => run.sockets.midStream),
    number("sockets, one-sided", (run) => run.sockets.oneSided),
    number("DMA bytes", (run) => run.dma.bytes),
    number("DMA copies", (run) => run.dma.copies),
  ];
}

/** How often each fault of the plan happened. */
function faultCounts({ faults = [] }: RunRecord): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { fault } of faults) times[fault] = (times[fault] ?? 0) + 1;
  return times;
}

/** None for runs in a guest, which take no time. */
function latencyRows(
  runs: readonly RunRecord[],
  figures: ReadonlyArray<(typeof FIGURES)[number]>,
): string[][] {
  if (runs.every(({ host, native }) => host === undefined && native !== undefined)) return [];
  return STAGES.map((stage) => [
    stage,
    ...runs.map((run) => latencyCell(run.latency[stage], figures)),
  ]);
}

function latencyCell(
  latency: Latency,
  figures: ReadonlyArray<(typeof FIGURES)[number]> = FIGURES,
): string {
  if (toDouble(latency.count) === 0) return "-";
  return latencyColumns(figures.map((figure) => humanTime(latency[figure])));
}

function poolRows(
  runs: readonly RunRecord[],
  of: (run: RunRecord) => PoolRecord | null,
  everything: boolean,
): string[][] {
  return POOL_COUNTERS.filter(
    (name) => everything || runs.some((run) => toDouble(of(run)?.[name] ?? 0) > 0),
  ).map((name) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ...runs.map((run) => (tellsPool(run, name) ? cell(of(run)?.[name]) : "-")),
  ]);
}

function leakRows(runs: readonly RunRecord[], everything: boolean): string[][] {
  return OWNERS.filter(
    (owner) => everything || runs.some((run) => toDouble(run.leaks.byOwner[owner]) > 0),
  ).map((owner) => [owner, ...runs.map((run) => grouped(run.leaks.byOwner[owner]))]);
}

/** Rows for counters that only some runs have; the largest first. What is not told is no 0. */
function namedRows(
  runs: readonly RunRecord[],
  of: (run: RunRecord) => Readonly<Record<string, JsonNumber>>,
  tells: (run: RunRecord, name: string) => boolean = () => true,
): string[][] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(of(run))))];
  const largest = (name: string) => Math.max(...runs.map((run) => toDouble(of(run)[name] ?? 0)));
  names.sort((a, b) => largest(b) - largest(a) || (a < b ? -1 : 1));
  const text = (run: RunRecord, name: string) =>
    tells(run, name) ? cell(of(run)[name] ?? 0) : "-";
  return names.map((name) => [name, ...runs.map((run) => text(run, name))]);
}

function hostRows(runs: readonly RunRecord[], everything: boolean): string[][] {
  const hosts = runs.map((run) => run.host);
  if (hosts.every((host) => host === undefined)) return [];
  type Host = NonNullable<RunRecord["host"]>;
  const row = (label: string, of: (host: Host) => string) => [
    label,
    ...hosts.map((host) => (host === undefined ? "-" : of(host))),
  ];
  const rows = [
    row("ns/packet", (host) => host.nsPerPacket.toFixed(1)),
    row("packets/s", (host) => humanRate(host.packetsPerSecond)),
    row("bit/s", (host) => humanRate(host.bitsPerSecond)),
    row("flows/s", (host) => humanRate(host.flowsPerSecond)),
  ];
  if (hosts.some((host) => typeof host?.floorNsPerPacket === "number")) {
    rows.push(row("floor, ns/packet", (host) => host.floorNsPerPacket?.toFixed(1) ?? "-"));
  }
  if (!everything) return rows;
  return [
    ...rows,
    row("NAPI poll", (host) => (host.poll === null ? "-" : latencyCell(host.poll))),
    row("packet", (host) => (host.packet === null ? "-" : latencyCell(host.packet))),
    row("timer overhead, ns", (host) => host.timerOverheadNs.toFixed(1)),
  ];
}

function cell(value: JsonNumber | undefined): string {
  return value === undefined ? "-" : grouped(value);
}
