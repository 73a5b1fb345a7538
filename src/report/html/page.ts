import { createHash } from "node:crypto";
import type { NetmemRecord } from "../../replay/record/schema.js";
import { type Subject, titleOf } from "../export/subject.js";
import { grouped, humanTime } from "../table/numbers.js";
import { runName } from "../table/run-name.js";
import { folded, type Markup, section, table, text } from "./markup.js";
import { badnessOf, recordSection } from "./record-section.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";
import { comparisonSection, gateSection } from "./verdict-sections.js";

/** Records that a page shows whole; of more, the worst. The others are lines of the overview. */
const WHOLE_RECORDS = 12;

/**
 * One page that needs nothing else: no network, no font, no image. What may run in it is named by
 * its hash; everything from a document is escaped.
 */
export function exportHtml(subject: Subject): string {
  const title = titleOf(subject);
  const parts = sections(subject);
  const links = parts.map(({ id, name }) => `<li><a href="#${id}">${text(name)}</a></li>`);
  const navigation =
    links.length < 2 ? "" : `<nav aria-label="Contents"><ul>${links.join("")}</ul></nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="color-scheme" content="light dark">
<title>netmem: ${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>netmem report</h1>${navigation}</header>
<main>
${overview(subject)}${parts.map(({ body }) => body).join("\n")}
</main>
<footer>Made by netmem. Latencies are of the clock named; counters and model time are the same each
time the line above is run, host figures are not.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

interface Part {
  readonly id: string;
  readonly name: string;
  readonly body: Markup;
}

function sections({ gates, comparisons, records }: Subject): Part[] {
  const worst = [...records].sort((a, b) => badnessOf(b) - badnessOf(a)).slice(0, WHOLE_RECORDS);
  const shown = records.length <= WHOLE_RECORDS ? records : worst;
  return [
    ...gates.map((gate, i): Part => {
      const id = `g${i + 1}`;
      return { id, name: `Gate: ${gate.outcome}`, body: gateSection(gate, id) };
    }),
    ...comparisons.map((comparison, i): Part => {
      const id = `c${i + 1}`;
      return { id, name: "Comparison", body: comparisonSection(comparison, id) };
    }),
    ...shown.map((record, i): Part => {
      const id = `r${i + 1}`;
      const body = recordSection(record, id);
      const name = record.capture.path.split("/").at(-1)!;
      return { id, name, body: shown.length > 3 ? folded(record.capture.path, body) : body };
    }),
  ];
}

/** Of several records: one line each; and the captures of which nothing was usable. */
function overview({ records, failed }: Subject): Markup {
  const lost =
    failed.length === 0
      ? ""
      : table(
          "captures that gave no record",
          ["", "why"],
          failed.map(({ path, message }) => [path, message]),
        );
  if (records.length < 2) return lost;
  const providers = [...new Set(records.flatMap(({ runs }) => runs.map(runName)))];
  const rows = records.map((record) => [
    record.capture.path,
    grouped(record.capture.packets),
    grouped(record.runs.reduce((sum, run) => sum + Number(run.leaks.count), 0)),
    grouped(badnessOf(record)),
    ...providers.map((provider) => p99(record, provider)),
  ]);
  const head = ["", "packets", "leaks", "problems", ...providers.map((name) => `${name} p99`)];
  return lost + section("overview", "Captures", table("captures", head, rows), 2);
}

function p99({ runs }: NetmemRecord, name: string): string {
  const run = runs.find((each) => runName(each) === name);
  return run === undefined || Number(run.latency.deliver.count) === 0
    ? "-"
    : humanTime(run.latency.deliver.p99);
}

/** Only the script of this page runs, and nothing is fetched. */
function policy(): string {
  const hash = createHash("sha256").update(SCRIPT).digest("base64");
  return [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}
