import * as z from "zod";
import { baselineSchema } from "./baseline-schema.js";
import { comparisonSchema } from "./comparison-schema.js";
import { comparisonShardSchema } from "./comparison-shard-schema.js";
import { faultSchema } from "./fault-schema.js";
import { gateSchema } from "./gate-schema.js";
import {
  BASELINE_SCHEMA,
  COMPARISON_SCHEMA,
  COMPARISON_SHARD_SCHEMA,
  FAULT_SCHEMA,
  GATE_SCHEMA,
  RECORD_SCHEMA,
  SUITE_SCHEMA,
} from "./names.js";
import { recordSchema, suiteSchema } from "./schema.js";

const DOCUMENTS = {
  record: [RECORD_SCHEMA, recordSchema],
  suite: [SUITE_SCHEMA, suiteSchema],
  comparison: [COMPARISON_SCHEMA, comparisonSchema],
  "comparison-shard": [COMPARISON_SHARD_SCHEMA, comparisonShardSchema],
  gate: [GATE_SCHEMA, gateSchema],
  baseline: [BASELINE_SCHEMA, baselineSchema],
  fault: [FAULT_SCHEMA, faultSchema],
} as const;

/** A word for each document, such as `record` or `comparison-shard`. */
export type SchemaKind = keyof typeof DOCUMENTS;
/** The documents whose JSON Schema `netmem schema` prints. */
export const SCHEMA_KINDS = Object.keys(DOCUMENTS) as SchemaKind[];

/** JSON Schema (draft 2020-12) of a document that netmem writes. */
export function jsonSchema(kind: SchemaKind): Record<string, unknown> {
  const [name, schema] = DOCUMENTS[kind];
  return { $id: `urn:netmem:schema:${name}`, title: name, ...z.toJSONSchema(schema) };
}
