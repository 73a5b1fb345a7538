import { open, readFile, stat } from "node:fs/promises";
import type * as z from "zod";
import { NetmemError } from "../error.js";
import { type Baseline, baselineSchema } from "./baseline-schema.js";
import { type Comparison, comparisonSchema } from "./comparison-schema.js";
import { type ComparisonShard, comparisonShardSchema } from "./comparison-shard-schema.js";
import { type GateReport, gateSchema } from "./gate-schema.js";
import { nearestName } from "./nearest.js";
import { type NetmemRecord, type NetmemSuite, recordSchema, suiteSchema } from "./schema.js";

/** Every document that netmem writes. */
export type NetmemDocument =
  | NetmemRecord
  | NetmemSuite
  | Comparison
  | ComparisonShard
  | GateReport
  | Baseline;

const SCHEMAS: Readonly<Record<NetmemDocument["schema"], z.ZodType<NetmemDocument>>> = {
  "netmem.record/1": recordSchema,
  "netmem.suite/1": suiteSchema,
  "netmem.comparison/1": comparisonSchema,
  "netmem.comparison-shard/1": comparisonShardSchema,
  "netmem.gate/1": gateSchema,
  "netmem.baseline/1": baselineSchema,
};

/**
 * Reads the documents of a file: one JSON document, or several, one a line (NDJSON), as
 * repetitions are kept.
 *
 * @throws NetmemError NETMEM_RECORD_CUT for what ends too early or is no document, NETMEM_CONFIG
 *   for what cannot be read at all.
 */
export async function loadDocuments(path: string): Promise<NetmemDocument[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new NetmemError("NETMEM_CONFIG", `cannot read ${path}: ${reason}`, "Check the name.");
  }
  return parseDocuments(text, path);
}

/** The documents in a text; `where` names it in messages. See {@link loadDocuments}. */
export function parseDocuments(text: string, where: string): NetmemDocument[] {
  const whole = parsed(text);
  if (whole !== undefined) return [checked(whole, where)];
  const lines = text.split("\n").map((line) => line.trim());
  const filled = lines.flatMap((line, i) => (line === "" ? [] : [{ line, number: i + 1 }]));
  if (filled.length < 2 || parsed(filled[0]!.line) === undefined) throw cut(where, "no whole JSON");
  return filled.map(({ line, number }) => {
    const value = parsed(line);
    if (value === undefined) throw cut(`${where}:${number}`, "no whole JSON");
    return checked(value, `${where}:${number}`);
  });
}

/** Whether a file begins as a JSON document does; captures never do. */
export async function looksLikeDocument(path: string): Promise<boolean> {
  const head = Buffer.alloc(64);
  try {
    // A pipe would keep the opener waiting, and lose what is read here.
    if (!(await stat(path)).isFile()) return false;
    const file = await open(path);
    try {
      await file.read(head, 0, head.length, 0);
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
  return head.toString("latin1").trimStart().startsWith("{");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checked(value: unknown, where: string): NetmemDocument {
  const name = (value as { schema?: unknown } | null)?.schema;
  const schema = SCHEMAS[name as NetmemDocument["schema"]];
  if (schema === undefined) {
    const meant = nearestName(String(name), Object.keys(SCHEMAS));
    throw new NetmemError(
      "NETMEM_RECORD_CUT",
      `${where}: ${name === undefined ? "no document of netmem" : `unknown schema ${name}`}`,
      meant === undefined
        ? "Give what netmem replay --export json=FILE wrote."
        : `This netmem reads ${meant}.`,
    );
  }
  const result = schema.safeParse(value);
  // The value as it was read: its keys keep their order, so that what is written again is equal.
  if (result.success) return value as NetmemDocument;
  const { path, message } = result.error.issues[0]!;
  throw cut(where, `${path.join(".") || "document"}: ${message}`);
}

function cut(where: string, what: string): NetmemError {
  return new NetmemError(
    "NETMEM_RECORD_CUT",
    `${where} is cut or damaged: ${what}`,
    "Make the record again; netmem writes files whole or not at all.",
  );
}
