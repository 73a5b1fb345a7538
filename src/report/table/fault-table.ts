import type {
  FaultDocument,
  FaultEntry,
  FaultFinding,
  FaultKindEntry,
  FaultRow,
} from "../../replay/record/fault-schema.js";
import { grid } from "./grid.js";
import { counted, countShort } from "./numbers.js";
import type { Style } from "./style.js";
import { wrapped } from "./wrapped.js";

/** Columns of a line. */
const WIDTH = 80;
/** With more rows than this the findings are not told one by one. */
const TOLD = 3;

/** The catalogue, a line a row. */
export function faultListTable(rows: readonly FaultEntry[], style: Style): string {
  const head = ["row", "staged on", "what goes wrong"].map(style.bold);
  const lines = rows.map(({ id, on, title }) => [id, on, title]);
  return grid([head, ...lines], ["left", "left", "left"]);
}

/** One row, in full. */
export function faultEntryText(row: FaultEntry, style: Style): string {
  const parts = [
    ["source", row.source],
    ["invariant", row.invariant],
    ["staged on", ON[row.on]],
    ["staged", row.staged],
    ["promised", row.promised],
    [`--regress ${row.id}`, row.broken],
    ...(row.exception === null ? [] : [["exception", row.exception]]),
    ...row.pairs.map(({ pair, functions }) => ["race", `${pair}: ${listed(functions)}`] as const),
    ["run it", `netmem fault run ${row.id}`],
    ...(row.pairs.length === 0 ? [] : [["explore it", `netmem explore ${row.id}`] as const]),
  ] as const;
  const labels = Math.max(...parts.map(([label]) => label.length)) + 4;
  const lines = parts.flatMap(([label, text]) =>
    wrapped(text, WIDTH - labels).map((line, i) => {
      return `  ${(i === 0 ? label : "").padEnd(labels - 2)}${line}`;
    }),
  );
  return [style.bold(`${row.id}  ${row.title}`), "", ...lines].join("\n");
}

/** Kernel functions as a sentence has them. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const ON: Readonly<Record<FaultEntry["on"], string>> = {
  capture: "a whole receive path, with a capture if one is given",
  path: "a whole receive path, with traffic of the shape that it needs",
  parts: "the kernel's functions on pools, providers and skbs; a capture changes nothing",
};

/** What a run of rows came to. */
export function faultRunTable(document: FaultDocument, style: Style): string {
  const { faults } = document;
  const head = ["row", "clean", "detected", "by", "owner", "transition"].map(style.bold);
  const lines = faults.map((row) => {
    const { finding } = row;
    return [
      row.id,
      row.clean ? style.green("yes") : style.red("NO"),
      detectedCell(row, style),
      finding?.kind ?? "",
      finding?.owner ?? "",
      (finding?.transition ?? "").slice(0, 36),
    ];
  });
  const table = grid([head, ...lines], ["left", "left", "left", "left", "left", "left"]);
  const told = faults.length <= TOLD ? faults : faults.filter(isBad);
  const stories = told.flatMap((row) => ["", ...storyOf(row, style)]);
  const parts = [table, ...stories, ...raceLines(faults, style), "", verdict(document, style)];
  return parts.join("\n");
}

/** Rows that are races: every interleaving of their pairs, and the shortest that shows the bug. */
function raceLines(faults: readonly FaultRow[], style: Style): string[] {
  const lines = explorations(faults).map(({ id, pair, states, schedules, survived, found }) => [
    id,
    pair,
    countShort(states),
    countShort(schedules),
    survived ? style.green("survive") : style.red("BROKEN"),
    found === null ? style.red("NOT FOUND") : style.green(`found in ${found.steps} steps`),
  ]);
  if (lines.length === 0) return [];
  const head = ["race", "pair", "states", "interleavings", "today", "with the bug"].map(style.bold);
  return ["", grid([head, ...lines], ["left", "left", "right", "right", "left", "left"])];
}

function explorations(faults: readonly FaultRow[]) {
  return faults.flatMap(({ id, explored }) => (explored ?? []).map((each) => ({ id, ...each })));
}

/** The tables of docs/faults.md: what was detected, and how races were explored. */
export function faultMarkdown({ faults }: FaultDocument): string {
  const rows = faults.map(({ id, title, on, clean, detected, exception, finding }) => [
    id,
    title,
    on,
    clean ? "yes" : "no",
    detected ? `yes, ${finding!.kind}` : exception === null ? "no" : `excepted: ${exception}`,
    finding?.owner ?? "",
    finding?.transition ?? "",
  ]);
  const head = ["row", "what goes wrong", "on", "clean", "detected", "owner", "transition"];
  const raceHead = [
    "race",
    "pair",
    "states",
    "interleavings",
    "today",
    "with the bug",
    "transition",
  ];
  const races = explorations(faults).map(({ id, pair, states, schedules, survived, found }) => [
    id,
    `\`${pair}\``,
    countShort(states),
    countShort(schedules),
    survived ? "all survive" : "BROKEN",
    found === null ? "NOT FOUND" : `found: ${found.steps} steps of size ${found.size}`,
    found?.transition ?? "",
  ]);
  return [markdownTable(head, rows), "", markdownTable(raceHead, races)].join("\n");
}

function markdownTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The kinds of faults that `--fault` takes. */
export function faultKindTable(kinds: readonly FaultKindEntry[], style: Style): string {
  const sides = [...new Set(kinds.map(({ side }) => side))];
  const blocks = sides.map((side) => {
    const lines = kinds
      .filter((kind) => kind.side === side)
      .flatMap(({ kind, help, args }) => [
        `  ${kind.padEnd(20)}${help}`,
        ...args.map(({ name, help: what }) => `  ${" ".repeat(20)}  ${name.padEnd(12)}  ${what}`),
      ]);
    return [style.bold(side), ...lines].join("\n");
  });
  return blocks.join("\n\n");
}

function isBad({ clean, detected, exception, explored }: FaultRow): boolean {
  const raced = (explored ?? []).some(({ survived, found }) => !survived || found === null);
  return !clean || (!detected && exception === null) || raced;
}

function detectedCell({ detected, exception }: FaultRow, style: Style): string {
  if (detected) return style.green("yes");
  return exception === null ? style.red("NO") : style.yellow("excepted");
}

function storyOf(row: FaultRow, style: Style): string[] {
  const lines = [style.bold(`${row.id}  ${row.title}`)];
  if (row.dirt !== null) lines.push(...findingText("today's rules", row.dirt));
  if (row.finding !== null) lines.push(...findingText("with the bug", row.finding));
  if (row.exception !== null) lines.push(...wrapped(`exception: ${row.exception}`, WIDTH - 2));
  return lines;
}

function findingText(when: string, finding: FaultFinding): string[] {
  const text = `${when}: ${finding.message}`;
  return [
    ...wrapped(text, WIDTH - 2).map((line) => `  ${line}`),
    ...finding.history.map((event) => `    ${event}`),
  ];
}

function verdict(document: FaultDocument, style: Style): string {
  const { faults, kernel, capture, interrupted } = document;
  const clean = faults.filter((row) => row.clean).length;
  const found = faults.filter((row) => row.detected).length;
  const excepted = faults.filter((row) => !row.detected && row.exception !== null).length;
  const races = faults.filter(({ explored }) => explored !== null).length;
  const on = capture === null ? "" : `, on ${capture.path}`;
  const text = [
    `${counted(faults.length, "row")}: ${clean} clean under the rules of ${kernel}${on}`,
    `${found} detected with the bug put back`,
    ...(excepted > 0 ? [`${excepted} excepted`] : []),
    ...(races > 0 ? [`${counted(races, "race")} explored in all interleavings`] : []),
    ...(interrupted ? ["interrupted"] : []),
  ].join(", ");
  const lines = wrapped(text, WIDTH).join("\n");
  return faults.some(isBad) ? style.red(lines) : style.green(lines);
}
