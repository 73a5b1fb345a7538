import * as z from "zod";
import { COMPARISON_SCHEMA } from "./names.js";
import { countSchema, machineSchema, toolSchema, warningSchema } from "./parts.js";

/**
 * What `netmem compare` answers with, `netmem.comparison/1`.
 *
 *      comparison -- columns[]           what was compared: a cell of the matrix, a record, a build
 *                 -- captures[]          what was replayed, by a number that rows refer to
 *                 -- rows[] -- cells[]   one row a metric, one cell a column, in the columns' order
 *
 * One column is the base; the cells of the others say how they stand to the base's cell in the
 * same row. Rows are in the order in which a reader can act on them: what got worse first.
 */

/** How a cell stands to the base. `unchanged` of a deterministic metric is equality. */
export const COMPARISON_VERDICTS = [
  "base",
  "improved",
  "regressed",
  "different",
  "unchanged",
  "inconclusive",
  "missing",
] as const;

/** Whether a lower or a higher value is better, or neither. */
export const BETTER = ["lower", "higher", "neither"] as const;

const interval = z.tuple([z.number(), z.number()]);

const cellSchema = z.strictObject({
  value: z.number().nullable().describe("median over the samples; null: no samples"),
  samples: z.array(z.number()).describe("one a repetition; a deterministic metric has one"),
  ratio: z.number().nullable().describe("value / base's value; null where the base has 0 or none"),
  interval: interval
    .nullable()
    .describe("95 % interval of the Hodges-Lehmann ratio to the base, null: too few samples"),
  bootstrap: interval.nullable().describe("bootstrap 95 % interval of the ratio of medians"),
  shift: z.number().nullable().describe("Hodges-Lehmann shift from the base, in the row's unit"),
  p: z.number().nullable().describe("two-sided Mann-Whitney; null for deterministic metrics"),
  pAdjusted: z.number().nullable().describe("p after Holm over all tests of this document"),
  verdict: z.enum(COMPARISON_VERDICTS),
});

const rowSchema = z.strictObject({
  metric: z.string().describe("a metric name, such as latency.deliver"),
  agg: z.string().nullable().describe("p(99), max, ...; null where a metric has one value"),
  tags: z.record(z.string(), z.string()).describe("what the row's cells have in common"),
  unit: z.enum(["", "ns", "bytes", "%", "ns/packet", "packets/s"]),
  clock: z.enum(["model", "host", "kernel"]),
  deterministic: z.boolean(),
  better: z.enum(BETTER),
  cells: z.array(cellSchema),
  best: z.array(z.int()).describe("columns that are best and tell themselves from the rest"),
  label: z.string().nullable().describe("set on forced rows: why their figures may mislead"),
});

const columnSchema = z.strictObject({
  label: z.string(),
  source: z.string().describe("a file, a command, or the line that reproduces the cell"),
  settings: z.record(z.string(), z.string()).describe("what sets this column apart, as flags"),
  repetitions: z.int(),
  machine: machineSchema.nullable(),
});

/** `netmem.comparison/1`. */
export const comparisonSchema = z
  .strictObject({
    schema: z.literal(COMPARISON_SCHEMA),
    netmem: toolSchema,
    mode: z.enum(["matrix", "records", "commands"]),
    complete: z.boolean().describe("false in a file that was written between repetitions"),
    seed: z.int(),
    repetitions: z.int().describe("of each column, as asked"),
    warmup: z.int().describe("replays of each column that came before and were not counted"),
    minEffectPct: z.number().describe("host metrics that move less count as unchanged"),
    confidencePct: z.number(),
    columns: z.array(columnSchema),
    base: z.int().describe("the column that the others are compared with"),
    captures: z.array(
      z.strictObject({ path: z.string(), sha256: z.string(), packets: countSchema }),
    ),
    rows: z.array(rowSchema),
    geomean: z
      .array(
        z.strictObject({
          metric: z.string(),
          agg: z.string().nullable(),
          ratios: z.array(z.number().nullable()).describe("a column; over captures"),
          captures: z.int(),
        }),
      )
      .describe("geometric means of the ratios to the base, where several captures were compared"),
    power: z
      .strictObject({
        tests: z.int(),
        neededRepetitions: z.int().describe("fewer cannot give a verdict on a host metric"),
        noisePct: z.number().nullable().describe("spread of the host samples: 1.4826 MAD / median"),
        detectablePct: z
          .number()
          .nullable()
          .describe("shift found with 80 % probability at these repetitions and this noise"),
      })
      .nullable()
      .describe("null where no host metric was compared"),
    refused: z.array(z.string()).describe("why host metrics were not compared, or are labelled"),
    counts: z
      .record(z.enum(COMPARISON_VERDICTS), z.int())
      .describe("verdicts of all cells; those of the base are not counted"),
    warnings: z.array(warningSchema),
  })
  .describe("netmem: runs side by side");

/** What `netmem compare` answers with. */
export type Comparison = z.infer<typeof comparisonSchema>;
/** One metric of a comparison. */
export type ComparisonRow = z.infer<typeof rowSchema>;
/** One metric of one column. */
export type ComparisonCell = z.infer<typeof cellSchema>;
/** One thing that was compared. */
export type ComparisonColumn = z.infer<typeof columnSchema>;
/** How a cell stands to the base. */
export type ComparisonVerdict = (typeof COMPARISON_VERDICTS)[number];
