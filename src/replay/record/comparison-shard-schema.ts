import * as z from "zod";
import { COMPARISON_SHARD_SCHEMA } from "./names.js";
import { toolSchema } from "./parts.js";
import { recordSchema } from "./schema.js";

/**
 * What `netmem compare --shard I/N` answers with, `netmem.comparison-shard/1`: the records of its
 * cells, of which `netmem merge` makes the comparison. A cell is a column on one capture; cells are
 * dealt out to the shards one by one:
 *
 *      cell = capture * columns + column, to shard (cell mod N) + 1
 *
 *                  page   devmem  zcrx
 *      a.pcap        1      2       1         (two shards)
 *      b.pcap        2      1       2
 */

const matrixSchema = z
  .strictObject({
    captures: z.array(z.string()).describe("paths, in the order of the list"),
    columns: z.array(
      z.strictObject({ label: z.string(), settings: z.record(z.string(), z.string()) }),
    ),
    settingsSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("of every column's resolved settings"),
    base: z.int().describe("the column that the others are compared with"),
    seed: z.int(),
    repetitions: z.int().min(1),
    warmup: z.int(),
    minEffect: z.number().describe("a share"),
    force: z.boolean(),
  })
  .describe("the whole matrix; the same in every shard of it");

/** `netmem.comparison-shard/1`. */
export const comparisonShardSchema = z
  .strictObject({
    schema: z.literal(COMPARISON_SHARD_SCHEMA),
    netmem: toolSchema,
    shard: z.strictObject({ index: z.int().min(1), count: z.int().min(1) }),
    complete: z.boolean().describe("false in a file that was written between repetitions"),
    matrix: matrixSchema,
    trials: z.array(
      z.strictObject({
        column: z.int().describe("place in matrix.columns"),
        capture: z.int().describe("place in matrix.captures"),
        round: z.int().describe("repetition, from 0"),
        record: recordSchema.describe("without its series"),
      }),
    ),
  })
  .describe("netmem: the part of a comparison that one machine made");

/** What `netmem compare --shard` answers with. */
export type ComparisonShard = z.infer<typeof comparisonShardSchema>;
/** The whole of which a shard is a part. */
export type ComparisonMatrix = ComparisonShard["matrix"];
