import { SUITE_SCHEMA } from "../record/names.js";
import type { NetmemRecord, NetmemSuite, ShardRecord } from "../record/schema.js";
import { totalsOf } from "../suite/totals.js";
import { build } from "./build-info.js";

type Count = number | string;

/** Puts the records of several captures into one document, or of a shard's part of them. */
export function suiteOf(
  records: NetmemRecord[],
  failed: NetmemSuite["failed"],
  shard?: ShardRecord,
): NetmemSuite {
  const runs = records.flatMap((record) => record.runs);
  const sum = (values: Count[]) =>
    values.reduce<number>((total, value) => total + Number(value), 0);
  return {
    schema: SUITE_SCHEMA,
    netmem: build(),
    records,
    failed,
    summary: {
      captures: records.length,
      packets: sum(records.map((record) => record.capture.packets)),
      bytes: sum(records.map((record) => record.capture.bytes)),
      deliveredBytes: sum(runs.map((run) => run.deliveredBytes)),
      leaks: sum(runs.map((run) => run.leaks.count)),
      zombies: sum(runs.map((run) => run.leaks.zombies)),
      drops: sum(runs.flatMap((run) => Object.values(run.drops))),
      damaged: records.filter((record) => record.capture.damage.length > 0).length,
      providers: totalsOf(runs),
    },
    ...(shard === undefined ? {} : { shard }),
  };
}
