import * as z from "zod";

// Parts that several documents have in common.

/** A whole number; a decimal string from 2^53 on. */
export const countSchema = z
  .union([z.int().nonnegative(), z.string().regex(/^[0-9]{16,}$/)])
  .describe("a whole number; a decimal string from 2^53 on");

/** The netmem that made a document. */
export const toolSchema = z.strictObject({ version: z.string(), commit: z.string().nullable() });

/** Something that the reader of a document should know. */
export const warningSchema = z.strictObject({ code: z.string(), message: z.string() });

/** The machine that host times were measured on: what must be the same to compare them. */
export const machineSchema = z
  .strictObject({
    cpu: z.string().describe("model name of the first CPU"),
    cpus: z.int().describe("CPUs that the process may use"),
    arch: z.string(),
    os: z.string().describe("name and release of the kernel"),
    node: z.string().describe("version of Node.js"),
  })
  .describe("the machine that host times were measured on");

/** A machine's fingerprint. */
export type Machine = z.infer<typeof machineSchema>;
