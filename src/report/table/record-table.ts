import { formatEndpoint } from "../../replay/record/address.js";
import type { NetmemRecord, RunRecord, StreamRecord } from "../../replay/record/schema.js";
import { grid, widest } from "./grid.js";
import { isModelled, machineText } from "./machine-text.js";
import { counted, grouped, humanBytes, humanTime } from "./numbers.js";
import { problemsOf } from "./problems.js";
import { runName } from "./run-name.js";
import { type Section, sectionsOf } from "./run-rows.js";
import type { Style } from "./style.js";

/** How much a person wants to see. */
export type Detail = "quiet" | "normal" | "verbose";

/** Details of a problem shown without --verbose. */
const DETAILS_SHOWN = 3;

const LINK_TYPES: Readonly<Record<number, string>> = {
  0: "NULL",
  1: "Ethernet",
  12: "raw IP",
  14: "raw IP",
  101: "raw IP",
  108: "LOOP",
  113: "Linux cooked",
  228: "IPv4",
  229: "IPv6",
  276: "Linux cooked v2",
};

/**
 * The table of one record: what was replayed, what is wrong with it (the worst first), then the
 * providers side by side, and the streams where the record lists them. `quiet` keeps the problems
 * alone and is empty when there are none. Wider than `width` only where it must be.
 */
export function recordTable(
  record: NetmemRecord,
  detail: Detail,
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  const problems = problemBlock(record, detail, style);
  if (detail === "quiet") return problems;
  const blocks = [
    headBlock(record, style),
    problems === ""
      ? style.green("no leaks, no damage, nothing dropped for lack of memory")
      : problems,
    runBlock(record, detail, style, width),
    streamBlock(record, detail, style),
    detail === "verbose" ? noteBlock(record, style) : "",
    style.dim(record.reproduce),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function headBlock(record: NetmemRecord, style: Style): string {
  const { capture, config } = record;
  const links = capture.linkTypes.map((type) => LINK_TYPES[type] ?? `link type ${type}`);
  const seed = isModelled(record) ? `, seed ${config.seed}` : "";
  return [
    `${style.bold(capture.path)}  ${[capture.format, ...links].join(", ")}`,
    `${counted(capture.packets, "packet")}, ${humanBytes(capture.bytes)}` +
      ` over ${humanTime(capture.durationNs)}`,
    style.dim(`${machineText(record)}, ${pacingText(config.pacing)}${seed}`),
  ].join("\n");
}

function pacingText(pacing: NetmemRecord["config"]["pacing"]): string {
  if (pacing.mode === "pps") return `${pacing.pps} packets/s`;
  if (pacing.mode === "mbps") return `${pacing.mbps} Mbit/s`;
  if (pacing.mode === "topspeed") return "top speed";
  return pacing.multiplier === 1 ? "recorded gaps" : `recorded gaps / ${pacing.multiplier}`;
}

/** The problems of a record as lines; empty when there are none. */
export function problemBlock(record: NetmemRecord, detail: Detail, style: Style): string {
  const lines = problemsOf(record).flatMap(({ weight, text, details, whole }) => {
    const shown = detail === "verbose" || whole ? details : details.slice(0, DETAILS_SHOWN);
    const hidden = details.length - shown.length;
    return [
      weight === "bad" ? style.red(`! ${text}`) : style.yellow(`- ${text}`),
      ...shown.map((line) => `    ${line}`),
      ...(hidden > 0 ? [style.dim(`    and ${grouped(hidden)} more (--verbose)`)] : []),
    ];
  });
  return lines.join("\n");
}

function runBlock({ runs }: NetmemRecord, detail: Detail, style: Style, width: number): string {
  if (runs.length === 0) return "";
  const whole = sectionGrid(runs, sectionsOf(runs, detail === "verbose"), style);
  if (widest(whole) <= width) return whole;
  return sectionGrid(runs, sectionsOf(runs, detail === "verbose", true), style);
}

function sectionGrid(
  runs: readonly RunRecord[],
  sections: readonly Section[],
  style: Style,
): string {
  const rows = sections.flatMap(({ title, head = "", rows: body }: Section, index) => [
    index === 0
      ? [style.bold(title), ...runs.map((run) => style.bold(runName(run)))]
      : [style.bold(title), ...runs.map(() => (head === "" ? "" : style.dim(head)))],
    ...body.map(([label, ...cells]) => [`  ${label}`, ...cells]),
  ]);
  return grid(rows, ["left", ...runs.map(() => "right" as const)]);
}

/** How native runs got the packets in, and where payload was copied. */
function noteBlock({ runs }: NetmemRecord, style: Style): string {
  return runs
    .filter(({ native }) => native !== undefined)
    .map((run) => [style.bold(runName(run)), ...run.native!.notes].join("\n  "))
    .join("\n");
}

function streamBlock({ runs }: NetmemRecord, detail: Detail, style: Style): string {
  const blocks: string[] = [];
  // Each run lists its sockets as it came to open them: the order tells nothing.
  const seen = new Map<string, { streams: readonly StreamRecord[]; runs: string[] }>();
  for (const run of runs) {
    if (run.streams === undefined) continue;
    const key = run.streams
      .map((stream) => JSON.stringify(stream))
      .sort()
      .join();
    const same = seen.get(key);
    if (same === undefined) seen.set(key, { streams: run.streams, runs: [runName(run)] });
    else same.runs.push(runName(run));
  }
  for (const { streams, runs: names } of seen.values()) {
    const head = ["bytes", "gaps", "end", "sha256", `streams (${names.join(", ")})`];
    const rows = streams.map((stream) => [
      grouped(stream.bytes),
      grouped(stream.gaps),
      stream.end,
      detail === "verbose" ? stream.sha256 : stream.sha256.slice(0, 16),
      `${formatEndpoint(stream.src, stream.sport)} > ${formatEndpoint(stream.dst, stream.dport)}`,
    ]);
    blocks.push(
      grid([head.map((text) => style.bold(text)), ...rows], ["right", "right", "left", "left"]),
    );
  }
  return blocks.join("\n\n");
}
