import { CATALOGUE } from "../../engine/fault/catalogue/catalogue.js";
import type { Scenario } from "../../engine/fault/catalogue/scenario.js";
import { FAULT_IDS } from "../../engine/fault/ids.js";
import { FAULT_KINDS, FAULT_NAMES, type FaultKindSpec } from "../../engine/fault/kinds.js";
import { NetmemError } from "../error.js";
import { nearestName } from "../plan/nearest.js";
import { formatTime } from "../plan/units.js";
import type { FaultEntry, FaultKindEntry } from "../record/fault-schema.js";
import { pairsOfRow } from "./explored.js";

/** Every row of the fault catalogue. */
export function faultEntries(): FaultEntry[] {
  return CATALOGUE.map(entryOf);
}

/** One row. @throws NetmemError NETMEM_USAGE for a row that there is not. */
export function faultEntry(id: string): FaultEntry {
  return entryOf(scenariosOf([id])[0]!);
}

/**
 * The rows that are named: `F12`, several, or `all`.
 *
 * @throws NetmemError NETMEM_USAGE for a row that there is not.
 */
export function scenariosOf(ids: readonly string[]): Scenario[] {
  const wanted = ids.flatMap((id) => id.split(",")).map((id) => id.trim());
  if (wanted.some((id) => id.toLowerCase() === "all")) return [...CATALOGUE];
  return wanted.map((id) => {
    const found = CATALOGUE.find((row) => row.id === id.toUpperCase());
    if (found !== undefined) return found;
    const meant = nearestName(id.toUpperCase(), FAULT_IDS);
    throw new NetmemError(
      "NETMEM_USAGE",
      `the catalogue has no row ${id}`,
      meant === undefined
        ? "See netmem fault list."
        : `Did you mean ${meant}? See netmem fault list.`,
    );
  });
}

/** Every kind of fault that `--fault` takes. */
export function faultKinds(): FaultKindEntry[] {
  return FAULT_NAMES.map((kind) => {
    const { side, help, args }: FaultKindSpec = FAULT_KINDS[kind];
    const written = Object.entries(args).map(([name, { unit, fallback, help: what }]) => {
      const shown =
        unit === "percent"
          ? "1%"
          : unit === "time" && Number.isFinite(fallback)
            ? formatTime(fallback)
            : String(fallback);
      const open = !Number.isFinite(fallback) || fallback < 0;
      return { name: open ? name : `${name}=${shown}`, help: what };
    });
    return { kind, side, help, args: written };
  });
}

function entryOf(row: Scenario): FaultEntry {
  const { id, title, source, invariant, on, staged, promised, broken } = row;
  const exception = row.exception ?? null;
  const pairs = pairsOfRow(id);
  return { id, title, source, invariant, on, staged, promised, broken, exception, pairs };
}
