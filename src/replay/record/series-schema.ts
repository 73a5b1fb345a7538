import { z } from "zod";
import { OWNERS, type Owner } from "./names.js";
import { countSchema } from "./parts.js";

// A run over time: who held its memory, and with --interval what happened when.

/** Points that `runs[].owners` has at most. */
export const MAX_OWNER_POINTS = 2000;
/** Rows that `runs[].intervals` has at most; NDJSON that is written while running has them all. */
export const MAX_INTERVALS = 100_000;

const ownerCounts = Object.fromEntries(OWNERS.map((name) => [name, countSchema])) as Record<
  Owner,
  typeof countSchema
>;

/** One point of `runs[].owners`. */
export const ownerPointSchema = z
  .strictObject({
    timeNs: countSchema.describe("since the start of the run; the counts hold until the next one"),
    ...ownerCounts,
  })
  .describe("netmems of the provider by owner; the last point is behind the teardown");

/** One row of `runs[].intervals`. */
export const intervalSchema = z
  .strictObject({
    startNs: countSchema.describe("since the start of the run, a multiple of the interval"),
    packets: countSchema.describe("arrived"),
    bytes: countSchema.describe("arrived"),
    deliveredBytes: countSchema.describe("read by the application"),
    drops: countSchema.describe("packets, for any reason"),
    deliver: z
      .strictObject({ count: countSchema, p50: countSchema, p99: countSchema })
      .describe("latency from arrival to read, ns, of what was read"),
    owners: z.strictObject(ownerCounts).describe("at the end of the interval"),
  })
  .describe("an interval; one in which nothing arrived, was read or dropped has no row");

/** Netmems by owner at one time. */
export type OwnerPoint = z.infer<typeof ownerPointSchema>;
/** What happened in one interval. */
export type IntervalRecord = z.infer<typeof intervalSchema>;
