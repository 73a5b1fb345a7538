import { toDouble } from "../../replay/record/json-number.js";
import { MEMORY_DROPS } from "../../replay/record/names.js";
import type { NetmemRecord, RunRecord } from "../../replay/record/schema.js";
import { counted, grouped, humanTime } from "./numbers.js";
import { runName } from "./run-name.js";

/** Something that a person should see first. */
export interface Problem {
  /** `bad` makes a run worthless or shows a defect; `note` explains figures. */
  readonly weight: "bad" | "note";
  readonly text: string;
  /** More about it, one line each. */
  readonly details: readonly string[];
  /** The details belong to the problem, however many they are. */
  readonly whole?: true;
}

/** What is wrong in a record, the worst first. */
export function problemsOf(record: NetmemRecord): Problem[] {
  return [
    ...perProvider(record, violation),
    ...perProvider(record, leaks),
    ...perProvider(record, zombies),
    ...disagreement(record),
    ...damage(record),
    ...perProvider(record, (run) => drops(run, "dropped at the NIC", isNicDrop)),
    ...perProvider(record, (run) =>
      drops(run, "dropped for lack of socket memory", (reason) => MEMORY_DROPS.includes(reason)),
    ),
    ...perProvider(record, holes),
    ...captureNotes(record),
    ...guestNotes(record),
    ...record.warnings.map(({ message }) => note(message)),
  ];
}

/** What of a guest's record is real, and what is not. */
function guestNotes({ guest }: NetmemRecord): Problem[] {
  if (guest === undefined) return [];
  const nic = guest.nmsim ? "the NIC's DMA is one CPU copy in its driver; " : "";
  return [note(`guest: ${nic}all else is the kernel's own code, and no time was taken`)];
}

function isNicDrop(reason: string): boolean {
  return reason.startsWith("RX_");
}

function violation({ violation: broken }: RunRecord): Problem | undefined {
  if (broken === undefined) return undefined;
  const who =
    broken.netmem === undefined
      ? []
      : [`netmem ${broken.netmem}: ${broken.owner}, last ${broken.lastTransition}`];
  // The message ends with the history on one line where there is one.
  const [text] = broken.message.split("; history: ");
  return { ...bad(`broken ${text}`, [...who, ...(broken.history ?? [])]), whole: true };
}

function leaks(run: RunRecord): Problem | undefined {
  if (toDouble(run.leaks.count) === 0 || run.violation !== undefined) return undefined;
  const owners = Object.entries(run.leaks.byOwner)
    .filter(([, count]) => toDouble(count) > 0)
    .map(([owner, count]) => `${owner} ${grouped(count)}`);
  const details = run.leaks.netmems.flatMap((leak) => [
    `netmem ${leak.netmem}: ${leak.owner}, ${humanTime(leak.ageNs)} old, ${leak.lastTransition}`,
    ...(leak.history ?? []).map((event) => `  ${event}`),
  ]);
  return bad(`${counted(run.leaks.count, "netmem")} leaked (${owners.join(", ")})`, details);
}

function zombies(run: RunRecord): Problem | undefined {
  if (toDouble(run.leaks.zombies) === 0 || run.violation !== undefined) return undefined;
  return bad(`${counted(run.leaks.zombies, "pool")} cannot be freed`);
}

/** Whether all runs of a record delivered the same. */
export function deliversAlike(record: NetmemRecord): boolean {
  return new Set(record.runs.map((run) => deliveryOf(run, record))).size <= 1;
}

function disagreement(record: NetmemRecord): Problem[] {
  if (deliversAlike(record)) return [];
  const sums = record.runs.map((run) => `${runName(run)} ${grouped(run.deliveredBytes)} bytes`);
  const what = record.runs.some((run) => run.streams) ? "different streams" : "different bytes";
  return [bad(`providers delivered ${what}: ${sums.join(", ")}`)];
}

/**
 * What two runs must have in common. Queues open connections in an order of their own, and a kernel
 * has its own idea of where a hole is.
 */
function deliveryOf(run: RunRecord, { runs }: NetmemRecord): string {
  if (run.streams === undefined) return JSON.stringify(run.deliveredBytes);
  const modelled = runs.every(({ native }) => native === undefined);
  const rows = run.streams.map(({ gaps, end, ...rest }) =>
    JSON.stringify(modelled ? { ...rest, gaps, end } : rest),
  );
  return rows.sort().join();
}

function damage(record: NetmemRecord): Problem[] {
  const places = record.capture.damage.map(
    ({ offset, reason }) => `byte ${grouped(offset)}: ${reason}`,
  );
  if (places.length === 0) return [];
  const [first, ...rest] = places;
  const more = rest.length === 0 ? "" : ` and ${counted(rest.length, "place")} more`;
  return [bad(`capture damaged at ${first}${more}`, rest)];
}

function drops(
  run: RunRecord,
  what: string,
  counts: (reason: string) => boolean,
): Problem | undefined {
  const found = Object.entries(run.drops).filter(([reason]) => counts(reason));
  const sum = found.reduce((total, [, count]) => total + toDouble(count), 0);
  if (sum === 0) return undefined;
  const reasons = found.map(([reason, count]) => `${reason} ${grouped(count)}`);
  return bad(`${counted(sum, "packet")} ${what} (${reasons.join(", ")})`);
}

function holes(run: RunRecord): Problem | undefined {
  const cut = (run.streams ?? []).filter((stream) => stream.end === "hole");
  if (cut.length === 0) return undefined;
  return note(`${counted(cut.length, "stream")} stopped at a gap that never closed`);
}

function captureNotes({ capture }: NetmemRecord): Problem[] {
  const found: Problem[] = [];
  const skipped = Object.entries(capture.skipped).filter(([, count]) => toDouble(count) > 0);
  if (skipped.length > 0) {
    const reasons = skipped.map(([reason, count]) => `${reason} ${grouped(count)}`);
    found.push(note(`packets skipped: ${reasons.join(", ")}`));
  }
  return found;
}

/** One line for all providers that have the same to say. */
function perProvider(
  record: NetmemRecord,
  find: (run: RunRecord) => Problem | undefined,
): Problem[] {
  const byText = new Map<string, { problem: Problem; providers: string[] }>();
  for (const run of record.runs) {
    const problem = find(run);
    if (problem === undefined) continue;
    const same = byText.get(problem.text);
    if (same === undefined) byText.set(problem.text, { problem, providers: [runName(run)] });
    else same.providers.push(runName(run));
  }
  return [...byText.values()].map(({ problem, providers }) => ({
    ...problem,
    text: `${providers.join(", ")}: ${problem.text}`,
  }));
}

function bad(text: string, details: readonly string[] = []): Problem {
  return { weight: "bad", text, details };
}

function note(text: string): Problem {
  return { weight: "note", text, details: [] };
}
