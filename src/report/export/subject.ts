import type { Comparison } from "../../replay/record/comparison-schema.js";
import type { GateReport } from "../../replay/record/gate-schema.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import { NetmemError } from "../../replay/record/refusal.js";
import type { NetmemRecord, NetmemSuite } from "../../replay/record/schema.js";

/** What one export is about: any number of documents, suites taken apart into their records. */
export interface Subject {
  readonly documents: readonly NetmemDocument[];
  readonly records: readonly NetmemRecord[];
  /** Captures of suites of which nothing was usable. */
  readonly failed: NetmemSuite["failed"];
  readonly gates: readonly GateReport[];
  readonly comparisons: readonly Comparison[];
}

/**
 * Sorts documents by kind.
 *
 * @throws NetmemError NETMEM_USAGE for a baseline, of which there is nothing to report.
 */
export function subjectOf(documents: readonly NetmemDocument[]): Subject {
  const records: NetmemRecord[] = [];
  const failed: NetmemSuite["failed"] = [];
  const gates: GateReport[] = [];
  const comparisons: Comparison[] = [];
  for (const document of documents) {
    if (document.schema === "netmem.record/1") records.push(document);
    else if (document.schema === "netmem.gate/1") gates.push(document);
    else if (document.schema === "netmem.comparison/1") comparisons.push(document);
    else if (document.schema === "netmem.suite/1") {
      records.push(...document.records);
      failed.push(...document.failed);
    } else if (document.schema === "netmem.comparison-shard/1") {
      throw new NetmemError(
        "NETMEM_USAGE",
        `shard ${document.shard.index} of ${document.shard.count} of a comparison is no report yet`,
        "Join all shards with netmem merge.",
      );
    } else {
      throw new NetmemError(
        "NETMEM_USAGE",
        `a ${document.schema} has nothing to report`,
        "Use netmem baseline show, or give a record, suite, gate or comparison.",
      );
    }
  }
  return { documents, records, failed, gates, comparisons };
}

/** What documents are about, in a few words. */
export function titleOf({ records, gates, comparisons }: Subject): string {
  const paths = [
    ...records.map((record) => record.capture.path),
    ...gates.map((gate) => gate.subject.source),
    ...comparisons.map(({ columns }) => columns.map(({ label }) => label).join(" | ")),
  ];
  const [first, ...more] = [...new Set(paths)];
  if (first === undefined) return "nothing";
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
