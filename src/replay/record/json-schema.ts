import { z } from "zod";
import { faultSchema } from "./fault-schema.js";
import { FAULT_SCHEMA, RECORD_SCHEMA, SUITE_SCHEMA } from "./names.js";
import { recordSchema, suiteSchema } from "./schema.js";

/** The documents whose JSON Schema `netmem schema` prints. */
export const SCHEMA_KINDS = ["record", "suite", "fault"] as const;
/** `record`, `suite`, or what `fault run` answers with. */
export type SchemaKind = (typeof SCHEMA_KINDS)[number];

const DOCUMENTS = {
  record: [RECORD_SCHEMA, recordSchema],
  suite: [SUITE_SCHEMA, suiteSchema],
  fault: [FAULT_SCHEMA, faultSchema],
} as const;

/** JSON Schema (draft 2020-12) of a document that netmem writes. */
export function jsonSchema(kind: SchemaKind): Record<string, unknown> {
  const [name, schema] = DOCUMENTS[kind];
  return { $id: `urn:netmem:schema:${name}`, title: name, ...z.toJSONSchema(schema) };
}
