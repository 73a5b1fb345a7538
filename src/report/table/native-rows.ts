import { type JsonNumber, toDouble } from "../../replay/record/json-number.js";
import type { NativeRecord, RunRecord } from "../../replay/record/schema.js";
import { grouped, humanTime, percent } from "./numbers.js";

/** Rows about how a capture went through real kernels; none where all runs are the model's. */
export function nativeRows(runs: readonly RunRecord[], everything: boolean): string[][] {
  if (runs.every(({ native }) => native === undefined)) return [];
  const row = (label: string, of: (native: NativeRecord) => string) => [
    label,
    ...runs.map(({ native }) => (native === undefined ? "-" : of(native))),
  ];
  const count = (label: string, of: (native: NativeRecord) => JsonNumber, always = everything) =>
    always || runs.some(({ native }) => native !== undefined && toDouble(of(native)) > 0)
      ? [row(label, (native) => grouped(of(native)))]
      : [];
  const time = (label: string, of: (native: NativeRecord) => JsonNumber | undefined) =>
    runs.some(({ native }) => native !== undefined && of(native) !== undefined)
      ? [row(label, (native) => humanTimeOr(of(native)))]
      : [];
  return [
    ...count("packets injected", ({ injected }) => injected, true),
    row("copies on the way in", ({ copies }) => grouped(copies.injection)),
    row("read in place", ({ copies }) => percent(copies.mappedPct)),
    ...count("whole pages, bytes", ({ copies }) => copies.mappableBytes),
    ...count("ACK fields rewritten", ({ altered }) => altered.acksRewritten),
    ...count("connections mapped", ({ altered }) => altered.mappedConnections),
    ...count("datagrams joined", ({ altered }) => altered.joinedDatagrams),
    ...count("packets split", ({ altered }) => altered.splitPackets),
    ...count("signatures removed", ({ altered }) => altered.signaturesRemoved ?? 0),
    ...count("segments rebuilt", ({ altered }) => altered.coalescedSegments),
    ...time("setup", ({ setupNs }) => setupNs),
    ...time("teardown", ({ teardownNs }) => teardownNs),
    ...lagRows(runs),
    ...leftOutRows(runs),
  ];
}

function humanTimeOr(ns: JsonNumber | undefined): string {
  return ns === undefined ? "-" : humanTime(ns);
}

function lagRows(runs: readonly RunRecord[]): string[][] {
  if (runs.every(({ native }) => (native?.lag ?? null) === null)) return [];
  const cell = ({ native }: RunRecord) =>
    native?.lag ? `${humanTime(native.lag.p50)} ${humanTime(native.lag.p99)}` : "-";
  return [["behind schedule, p50 p99", ...runs.map(cell)]];
}

function leftOutRows(runs: readonly RunRecord[]): string[][] {
  const names = [...new Set(runs.flatMap(({ native }) => Object.keys(native?.leftOut ?? {})))];
  return names.map((name) => [
    `left out, ${name}`,
    ...runs.map(({ native }) => (native === undefined ? "-" : grouped(native.leftOut[name] ?? 0))),
  ]);
}
