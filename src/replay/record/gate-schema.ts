import * as z from "zod";
import { GATE_SCHEMA } from "./names.js";
import { machineSchema, toolSchema, warningSchema } from "./parts.js";

/**
 * What `netmem gate` answers with, `netmem.gate/1`: one row a threshold and series, the worst
 * first. What cannot be decided for a reason that somebody must mend (an unknown metric, no
 * samples, no baseline) is no row: it ends the gate with an error.
 */

/** What a gate, and a threshold of it, came to. */
export const OUTCOMES = ["pass", "fail", "inconclusive"] as const;

const thresholdSchema = z.strictObject({
  expression: z.string().describe("as written"),
  origin: z.string().describe("--threshold, or file and line"),
  metric: z.string(),
  agg: z.string().describe("count, value, p(99), ..."),
  tags: z.record(z.string(), z.string()).describe("of the series that was held against it"),
  unit: z.enum(["", "ns", "bytes", "%", "ns/packet", "packets/s"]),
  clock: z.enum(["model", "host", "kernel"]),
  deterministic: z.boolean(),
  samples: z.int().describe("repetitions behind the value"),
  value: z.number(),
  operator: z.enum(["<", "<=", ">", ">=", "==", "!="]),
  bound: z.number().describe("with the baseline put in"),
  baseline: z.number().nullable().describe("the baseline's value; null without a baseline term"),
  changePct: z.number().nullable().describe("value against the baseline; null without one or of 0"),
  interval: z
    .tuple([z.number(), z.number()])
    .nullable()
    .describe("95 % interval of the value; with a baseline, of the value that the ratio gives"),
  p: z.number().nullable().describe("that the bound is kept or broken, after Holm"),
  verdict: z.enum(OUTCOMES),
  message: z.string().describe("one sentence for a person"),
});

/** `netmem.gate/1`. */
export const gateSchema = z
  .strictObject({
    schema: z.literal(GATE_SCHEMA),
    netmem: toolSchema,
    outcome: z.enum(OUTCOMES),
    counts: z.record(z.enum(OUTCOMES), z.int()),
    subject: z.strictObject({
      source: z.string().describe("capture, record or command that was gated"),
      captures: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
      repetitions: z.int(),
      reproduce: z.array(z.string()).describe("one line a capture"),
      machine: machineSchema.nullable(),
    }),
    baseline: z
      .strictObject({ name: z.string(), source: z.string(), machine: machineSchema.nullable() })
      .nullable(),
    thresholds: z.array(thresholdSchema),
    aborted: z
      .strictObject({ expression: z.string(), afterRepetitions: z.int(), of: z.int() })
      .nullable()
      .describe("set where a threshold with abort ended the runs early"),
    warnings: z.array(warningSchema),
  })
  .describe("netmem: thresholds held against runs");

/** What `netmem gate` answers with. */
export type GateReport = z.infer<typeof gateSchema>;
/** One threshold held against one series. */
export type ThresholdResult = z.infer<typeof thresholdSchema>;
/** What a gate or a threshold came to. */
export type Outcome = (typeof OUTCOMES)[number];
