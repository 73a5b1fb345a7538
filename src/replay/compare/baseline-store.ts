import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import type { Baseline } from "../record/baseline-schema.js";
import { assertWritable, writeWhole } from "../record/document-file.js";
import { loadDocuments } from "../record/load-document.js";
import { BASELINE_SCHEMA, RECORD_SCHEMA, SUITE_SCHEMA } from "../record/names.js";
import { nearestName } from "../record/nearest.js";
import type { NetmemRecord } from "../record/schema.js";
import { loadRecords } from "./sides.js";

/** Longer maps and lists have a line an entry. */
const MOST_ON_A_LINE = 12;

/** A saved baseline, as `baseline list` shows it. */
export interface BaselineEntry {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly captures: number;
  readonly series: number;
  /** Whether it holds samples of host times. */
  readonly host: boolean;
}

/** What stands for `baseline` in thresholds. */
export interface LoadedBaseline {
  readonly name: string;
  readonly source: string;
  readonly content: Baseline | readonly NetmemRecord[];
}

/** The file of a baseline. @throws NetmemError NETMEM_USAGE for a name that is no file name. */
export function baselineFile(folder: string, name: string): string {
  if (/^[\w][\w.@+-]*$/.test(name)) return join(folder, `${name}.json`);
  throw new NetmemError(
    "NETMEM_USAGE",
    `'${name}' cannot name a baseline`,
    "Use letters, digits, dot, dash and underscore.",
  );
}

/** Saves a baseline; an older one of the same name is replaced whole. Answers with its file. */
export async function saveBaseline(
  folder: string,
  name: string,
  baseline: Baseline,
): Promise<string> {
  const file = baselineFile(folder, name);
  await mkdir(folder, { recursive: true }).catch(() => undefined);
  await assertWritable(file);
  await writeWhole(file, baselineText(baseline));
  return file;
}

/**
 * What `--baseline` names: a saved baseline by its name, or any file with a baseline or records.
 *
 * @throws NetmemError NETMEM_BASELINE where there is none, with the nearest name.
 */
export async function loadBaseline(folder: string, given: string): Promise<LoadedBaseline> {
  const isPath = given.includes("/") || /\.(json|ndjson)$/.test(given);
  const file = isPath ? given : baselineFile(folder, given);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw await missing(folder, given, isPath);
  const [document] = await loadDocuments(file);
  const { schema } = document!;
  if (schema === BASELINE_SCHEMA) {
    return { name: given, source: file, content: document as Baseline };
  }
  if (schema === RECORD_SCHEMA || schema === SUITE_SCHEMA) {
    return { name: given, source: file, content: await loadRecords(file) };
  }
  throw new NetmemError(
    "NETMEM_BASELINE",
    `${file} is a ${schema}`,
    "Name a baseline or a record.",
  );
}

/** All baselines of a folder by name; none where there is no folder. */
export async function listBaselines(folder: string): Promise<BaselineEntry[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const files = names.filter((name) => name.endsWith(".json")).sort();
  const entries = await Promise.all(files.map((name) => entryOf(join(folder, name), name)));
  return entries.filter((entry) => entry !== undefined);
}

/** Removes a baseline. @throws NetmemError NETMEM_BASELINE where there is none. */
export async function removeBaseline(folder: string, name: string): Promise<string> {
  const file = baselineFile(folder, name);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw await missing(folder, name, false);
  await rm(file);
  return file;
}

/**
 * A baseline as a file: a line a metric, in the order of the catalogue, so that a change of
 * behaviour is a change of a few lines that a person can read.
 */
export function baselineText(baseline: Baseline): string {
  const text = JSON.stringify(baseline, null, 2);
  // Figures of a latency, samples and other short lists and maps of values stand on one line.
  const flat = text.replace(/([[{])\n\s+([^[\]{}]*?)\n\s+[\]}]/g, (whole, open, body: string) => {
    const parts = body.split("\n").map((line) => line.trim());
    if (parts.length > MOST_ON_A_LINE) return whole;
    return open === "{" ? `{ ${parts.join(" ")} }` : `[${parts.join(" ")}]`;
  });
  return `${flat}\n`;
}

async function entryOf(file: string, name: string): Promise<BaselineEntry | undefined> {
  const [document] = await loadDocuments(file);
  if (document?.schema !== BASELINE_SCHEMA) return undefined;
  const { series, machine } = document;
  return {
    name: name.replace(/\.json$/, ""),
    file,
    bytes: (await stat(file)).size,
    captures: new Set(series.map(({ capture }) => capture.sha256)).size,
    series: series.length,
    host: machine !== null,
  };
}

async function missing(folder: string, name: string, isPath: boolean): Promise<NetmemError> {
  if (isPath) {
    return new NetmemError("NETMEM_BASELINE", `there is no baseline ${name}`, "Check the name.");
  }
  const names = (await readdir(folder).catch(() => [] as string[]))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.replace(/\.json$/, ""));
  const meant = nearestName(name, names);
  return new NetmemError(
    "NETMEM_BASELINE",
    `there is no baseline ${name} in ${folder}`,
    meant === undefined
      ? `Make it: netmem baseline save ${name} CAPTURE.`
      : `Did you mean ${meant}?`,
  );
}
