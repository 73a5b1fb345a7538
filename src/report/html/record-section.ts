import { toDouble } from "../../replay/record/json-number.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { machineText } from "../table/machine-text.js";
import { counted, grouped, humanBytes, humanRate, humanTime, percent } from "../table/numbers.js";
import { problemsOf } from "../table/problems.js";
import { runName } from "../table/run-name.js";
import { intervalSection } from "./interval-charts.js";
import { latencySection } from "./latency-charts.js";
import { folded, type Markup, section, table, text } from "./markup.js";
import { copySection, counterSection, dropSection, poolSection } from "./memory-charts.js";
import { ownerSection } from "./owner-charts.js";

/** Streams that a page lists at most. */
const STREAMS = 100;

/** One record: what was run, the verdict, and every chart with its table. */
export function recordSection(record: NetmemRecord, id: string): Markup {
  return section(
    id,
    record.capture.path,
    verdict(record) +
      `<div class="beside head">${facts(record)}${summaryTable(record.runs)}</div>` +
      reproduceLine(record) +
      latencySection(record, id) +
      ownerSection(record, id) +
      poolSection(record, id) +
      copySection(record, id) +
      dropSection(record, id) +
      intervalSection(record, id) +
      counterSection(record) +
      streams(record) +
      folded("Configuration", `<pre>${text(JSON.stringify(record.config, null, 2))}</pre>`),
    2,
  );
}

/** How many things of a record a reader must see first. */
export function badnessOf(record: NetmemRecord): number {
  return problemsOf(record).filter(({ weight }) => weight === "bad").length;
}

function verdict(record: NetmemRecord): Markup {
  const problems = problemsOf(record);
  const bad = problems.filter(({ weight }) => weight === "bad");
  const notes = problems.filter(({ weight }) => weight === "note");
  const list = (items: typeof problems) =>
    items
      .map(({ text: said, details }) => {
        const more = details.slice(0, 20).map((line) => `<li>${text(line)}</li>`);
        return `<li>${text(said)}${more.length === 0 ? "" : `<ul>${more.join("")}</ul>`}</li>`;
      })
      .join("");
  const banner =
    bad.length === 0
      ? '<div class="verdict good"><strong>All well</strong> ' +
        "no leaks, no damage, nothing dropped for lack of memory</div>"
      : `<div class="verdict bad"><strong>${counted(bad.length, "problem")}</strong>` +
        `<ul>${list(bad)}</ul></div>`;
  return `${banner}${notes.length === 0 ? "" : `<ul class="notes">${list(notes)}</ul>`}\n`;
}

/** What was run. */
function facts(record: NetmemRecord): Markup {
  const { capture, config, netmem } = record;
  const pairs: ReadonlyArray<readonly [string, string]> = [
    [
      "capture",
      `${counted(capture.packets, "packet")}, ${humanBytes(capture.bytes)}, ` +
        `${humanTime(capture.durationNs)}, ${capture.format}`,
    ],
    ["machine", machineText(record)],
    [
      "application",
      `hold ${humanTime(config.holdNs)}, batch ${config.batch}, ` +
        `reads of ${humanBytes(config.readSizeBytes)}`,
    ],
    [
      "pacing",
      `${config.pacing.mode}, ${counted(config.loop, "pass").replace("passs", "passes")}, ` +
        `seed ${config.seed}`,
    ],
    [
      "netmem",
      `${netmem.version}${netmem.commit === null ? "" : `, ${netmem.commit.slice(0, 12)}`}`,
    ],
    ["sha256", capture.sha256],
  ];
  const list = pairs.map(([name, value]) => `<dt>${name}</dt><dd>${text(value)}</dd>`).join("");
  return `<dl>${list}</dl>`;
}

/** The line that runs it again. */
function reproduceLine({ reproduce }: NetmemRecord): Markup {
  return (
    `<div class="reproduce"><code>${text(reproduce)}</code>` +
    '<button type="button" class="copy" hidden>Copy</button></div>\n'
  );
}

/** The providers side by side: what most readers came for. */
function summaryTable(runs: readonly RunRecord[]): Markup {
  const row = (label: string, of: (run: RunRecord) => string) => [label, ...runs.map(of)];
  const shown = (run: RunRecord, value: number | string) =>
    toDouble(run.latency.deliver.count) === 0 ? "-" : humanTime(value);
  const drops = (run: RunRecord) =>
    Object.values(run.drops).reduce<number>((sum, count) => sum + toDouble(count), 0);
  const rows = [
    row("bytes delivered", (run) => grouped(run.deliveredBytes)),
    row("deliver p50", (run) => shown(run, run.latency.deliver.p50)),
    row("deliver p99", (run) => shown(run, run.latency.deliver.p99)),
    row("deliver max", (run) => shown(run, run.latency.deliver.max)),
    row("by reference", (run) => grouped(run.reference.bytes)),
    row("copied", (run) => grouped(run.copy.bytes)),
    row("recycling", (run) => percent(run.recycle.recyclingPct)),
    row("leaked netmems", (run) => grouped(run.leaks.count)),
    row("packets dropped", (run) => grouped(drops(run))),
  ];
  if (runs.some((run) => run.host !== undefined)) {
    rows.push(
      row("host: ns/packet", (run) => run.host?.nsPerPacket.toFixed(1) ?? "-"),
      row("host: packets/s", (run) => (run.host ? humanRate(run.host.packetsPerSecond) : "-")),
    );
  }
  return table("providers side by side", ["", ...runs.map(runName)], rows);
}

function streams({ runs }: NetmemRecord): Markup {
  const listed = runs.find((run) => run.streams !== undefined)?.streams ?? [];
  if (listed.length === 0) return "";
  const rows = listed
    .slice(0, STREAMS)
    .map(({ src, sport, dst, dport, bytes, gaps, end, sha256 }) => [
      `${src} ${sport} to ${dst} ${dport}`,
      grouped(bytes),
      grouped(gaps),
      end,
      sha256.slice(0, 16),
    ]);
  const hidden = listed.length - rows.length;
  const more = hidden > 0 ? `<p>${grouped(hidden)} more are in the record.</p>` : "";
  const head = ["", "bytes", "gaps", "end", "sha256"];
  return folded(counted(listed.length, "stream"), table("streams", head, rows) + more);
}
