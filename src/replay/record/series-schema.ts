import * as z from "zod";
import { MAX_INTERVALS } from "./limits.js";
import { OWNERS, type Owner } from "./names.js";
import { countSchema } from "./parts.js";

// A run over time: who held its memory, and with --interval what happened when.

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

/** What happened in an interval, by whichever clock it was cut. */
const intervalFigures = {
  packets: countSchema.describe("arrived"),
  bytes: countSchema.describe("arrived"),
  deliveredBytes: countSchema.describe("read by the application"),
  drops: countSchema.describe("packets, for any reason"),
  deliver: z
    .strictObject({ count: countSchema, p50: countSchema, p99: countSchema })
    .describe("latency from arrival to read, ns, of what was read"),
};
const startNs = countSchema.describe("since the start of the run, a multiple of the interval");
const ownersAtEnd = z.strictObject(ownerCounts).describe("at the end of the interval");

/** One row of `runs[].intervals`: model time. */
const intervalSchema = z
  .strictObject({
    startNs,
    clock: z.literal("model").optional().describe("absent in older records"),
    ...intervalFigures,
    owners: ownersAtEnd,
  })
  .describe("an interval; one in which nothing arrived, was read or dropped has no row");

/**
 * One row of `runs[].host.intervals`: the kernel's clock. It stands with what the host measured,
 * since it is another one each time.
 */
const realIntervalSchema = z
  .strictObject({
    startNs,
    clock: z.literal("kernel"),
    ...intervalFigures,
    owners: ownersAtEnd.nullable().describe("null where the backend cannot know"),
  })
  .describe("an interval of a real clock; one in which nothing happened has no row");

/** `runs[].intervals`. */
export const intervalsSchema = z
  .array(intervalSchema)
  .max(MAX_INTERVALS)
  .describe("with --interval, of a run on the model's clock");
/** `runs[].host.intervals`. */
export const realIntervalsSchema = z
  .array(realIntervalSchema)
  .max(MAX_INTERVALS)
  .describe("with --interval, of a run on the kernel's clock");

/** Netmems by owner at one time. */
export type OwnerPoint = z.infer<typeof ownerPointSchema>;
/** What happened in one interval of model time. */
export type IntervalRecord = z.infer<typeof intervalSchema>;
/** What happened in one interval of a real clock. */
export type RealIntervalRecord = z.infer<typeof realIntervalSchema>;
/** What happened in one interval of either clock. */
export type AnyInterval = IntervalRecord | RealIntervalRecord;
