import * as z from "zod";
import { BASELINE_SCHEMA, LATENCY_FIGURES } from "./names.js";
import { countSchema, machineSchema } from "./parts.js";

/**
 * What later runs are held against, `netmem.baseline/1`: a record without what no threshold asks
 * for, in an order that does not change, so that a change of behaviour is a change of lines.
 *
 *      baseline -- config                what must be the same
 *               -- series[] -- metrics   one a capture, provider and backend; by metric name
 */

const figures = z.strictObject(
  Object.fromEntries(LATENCY_FIGURES.map((name) => [name, z.number()])) as Record<
    (typeof LATENCY_FIGURES)[number],
    z.ZodNumber
  >,
);

const seriesSchema = z.strictObject({
  capture: z.strictObject({ path: z.string(), sha256: z.string(), packets: countSchema }),
  provider: z.string(),
  backend: z.string(),
  metrics: z
    .record(z.string(), z.union([z.number(), figures, z.array(z.number())]))
    .describe("a number; the figures of a latency; samples of a noisy metric, one a repetition"),
});

/** `netmem.baseline/1`. */
export const baselineSchema = z
  .strictObject({
    schema: z.literal(BASELINE_SCHEMA),
    netmem: z.strictObject({ version: z.string() }),
    machine: machineSchema.nullable().describe("with host samples only"),
    config: z.record(z.string(), z.unknown()),
    series: z.array(seriesSchema),
  })
  .describe("netmem: what later runs are held against");

/** What later runs are held against. */
export type Baseline = z.infer<typeof baselineSchema>;
/** One capture, provider and backend of a baseline. */
export type BaselineSeries = z.infer<typeof seriesSchema>;
