import { z } from "zod";
import { RECORD_SCHEMA, SUITE_SCHEMA } from "./names.js";
import { recordSchema, suiteSchema } from "./schema.js";

/** The documents whose JSON Schema `netmem schema` prints. */
export const SCHEMA_KINDS = ["record", "suite"] as const;
/** `record` or `suite`. */
export type SchemaKind = (typeof SCHEMA_KINDS)[number];

/** JSON Schema (draft 2020-12) of a document that netmem writes. */
export function jsonSchema(kind: SchemaKind): Record<string, unknown> {
  const [name, schema] =
    kind === "record" ? [RECORD_SCHEMA, recordSchema] : [SUITE_SCHEMA, suiteSchema];
  return { $id: `urn:netmem:schema:${name}`, title: name, ...z.toJSONSchema(schema) };
}
