import type { NetmemRecord } from "../../replay/record/schema.js";
import type { ComparedColumn } from "./build-comparison.js";
import type { Comparison } from "./comparison.js";
import { configDifferences, machineDifferences, machineOf } from "./likeness.js";

/**
 * Why host metrics of the columns must not be compared: unlike machines, captures or, of records,
 * configurations. A matrix differs where it was asked to and nowhere else, and runs on one machine,
 * unless shards of it were joined; commands may differ in configuration, since that may be what is
 * compared.
 */
export function refusals(
  columns: readonly ComparedColumn[],
  base: number,
  mode: Comparison["mode"],
  shards: number,
): string[] {
  if (shards > 1) return [`the cells were replayed in ${shards} shards, not interleaved`];
  if (mode === "matrix") return [];
  const first = columns[base]!;
  const found = columns.flatMap((column) => {
    if (column === first) return [];
    const [one, other] = [column.records[0], first.records[0]];
    if (one === undefined || other === undefined) return [];
    const named = (reasons: readonly string[]) =>
      reasons.map((reason) => `${column.label}: ${reason} in ${first.label}`);
    return [
      ...named(capturesOf(column, first)),
      ...(mode === "records" ? named(configDifferences(one.config, other.config, true)) : []),
      ...hostDifferences(one, other).map((reason) => `${column.label}: ${reason}`),
    ];
  });
  return [...new Set(found)];
}

function capturesOf(column: ComparedColumn, base: ComparedColumn): string[] {
  const digests = (of: ComparedColumn) =>
    [...new Set(of.records.map(({ capture }) => capture.sha256))].sort().join();
  return digests(column) === digests(base) ? [] : ["the captures are others than"];
}

function hostDifferences(one: NetmemRecord, other: NetmemRecord): string[] {
  const measured = [one, other].every(({ runs }) => runs.some((run) => run.host !== undefined));
  return measured ? machineDifferences(machineOf(one), machineOf(other)) : [];
}
