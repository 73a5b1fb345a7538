import * as z from "zod";
import { FAULT_SCHEMA } from "./names.js";

/**
 * What `fault run` answers with, `netmem.fault/1`: each row of the catalogue played twice.
 */

const finding = z
  .strictObject({
    kind: z
      .enum(["invariant", "leak", "zombie", "promise"])
      .describe("a broken invariant, a leak, a pool that cannot be freed, a broken promise"),
    message: z.string(),
    owner: z.string().describe("who held the netmem, or who broke the promise"),
    transition: z.string().describe("where it went wrong"),
    netmem: z.int().nullable().describe("index in the stage's table"),
    history: z.array(z.string()).describe("the netmem's transitions, oldest first"),
  })
  .describe("what the harness found");

const explored = z
  .strictObject({
    pair: z.string().describe("race pair of netmem explore"),
    size: z.int().describe("netmems or rounds of the largest model"),
    states: z.int().describe("states of that model under today's rules, all reached"),
    schedules: z
      .union([z.number(), z.string()])
      .describe("complete interleavings that they make up; text from 2^53 on"),
    survived: z.boolean().describe("no schedule breaks a rule of today"),
    found: z
      .strictObject({
        size: z.int(),
        steps: z.int().describe("steps of the shortest schedule that breaks a rule"),
        text: z.string(),
        owner: z.string(),
        transition: z.string(),
      })
      .nullable()
      .describe("what the exploration found with the bug put back"),
  })
  .describe("all interleavings of a row that is a race");

const row = z.strictObject({
  id: z.string(),
  title: z.string(),
  clean: z.boolean().describe("under today's rules: no leak, no violation, all promises kept"),
  detected: z.boolean().describe("with the bug put back the harness finds it"),
  exception: z.string().nullable().describe("why it need not be detected, and what stands in"),
  on: z.enum(["capture", "path", "parts"]).describe("what it was staged on"),
  dirt: finding.nullable().describe("what was wrong under today's rules"),
  finding: finding.nullable().describe("what was found with the bug"),
  explored: z.array(explored).nullable().describe("by race pair; null for what is no race"),
});

/** `netmem.fault/1`. */
export const faultSchema = z
  .strictObject({
    schema: z.literal(FAULT_SCHEMA),
    netmem: z.strictObject({ version: z.string(), commit: z.string().nullable() }),
    kernel: z.string().describe("profile of today's rules"),
    capture: z
      .strictObject({ path: z.string(), packets: z.int() })
      .nullable()
      .describe("frames that rows were staged on, if any were given"),
    interrupted: z.boolean(),
    faults: z.array(row),
  })
  .describe("netmem: rows of the fault catalogue, each with and without its historic bug");

/** What `fault run` answers with. */
export type FaultDocument = z.infer<typeof faultSchema>;
/** One row of it. */
export type FaultRow = z.infer<typeof row>;
/** All interleavings of one race pair of a row. */
export type FaultExplored = z.infer<typeof explored>;
/** What was found in a row. */
export type FaultFinding = z.infer<typeof finding>;

/** A race pair that finds a row: its kernel functions run at once. */
export interface FaultPair {
  readonly pair: string;
  readonly title: string;
  readonly functions: readonly string[];
}

/** A row of the catalogue as `fault list` and `fault show` have it. */
export interface FaultEntry {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly invariant: string;
  readonly on: "capture" | "path" | "parts";
  readonly staged: string;
  readonly promised: string;
  readonly broken: string;
  readonly exception: string | null;
  /** For a row that is a race: what `netmem explore` explores for it. */
  readonly pairs: readonly FaultPair[];
}

/** A kind of fault as `fault kinds` has it. */
export interface FaultKindEntry {
  readonly kind: string;
  readonly side: string;
  readonly help: string;
  /** Arguments as they are written, each with its default, and what they are. */
  readonly args: ReadonlyArray<{ readonly name: string; readonly help: string }>;
}
