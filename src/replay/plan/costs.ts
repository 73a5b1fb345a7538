import { COST_TABLES, type Costs, DEFAULT_COSTS } from "../../engine/clock/costs.js";
import { NetmemError } from "../error.js";
import { nearestName } from "./nearest.js";
import { readYaml } from "./yaml-file.js";

/**
 * The table of model costs that `--cost` names: one of the built-in tables, or a YAML or JSON file
 * that sets some of the default table's entries.
 *
 * @throws NetmemError NETMEM_CONFIG for a file that cannot be read, an unknown entry, or a figure
 *   that is not a number of at least 0.
 */
export async function loadCosts(given: string): Promise<{ name: string; table: Costs }> {
  const builtIn = COST_TABLES[given];
  if (builtIn !== undefined) return { name: given, table: builtIn };
  const known = Object.keys(COST_TABLES).join(", ");
  const file = await readYaml(given, {
    name: "cost table",
    whenUnreadable: `Name one of ${known}, or a file that exists.`,
    whenMalformed: "Write entries such as tcpNs: 90.",
  });
  const entries = file.plain();
  if (typeof entries !== "object" || entries === null || Array.isArray(entries)) {
    throw unusable(given, "not a map of costs", "Write entries such as tcpNs: 90.");
  }
  for (const [name, value] of Object.entries(entries)) {
    if (!(name in DEFAULT_COSTS)) {
      const meant = nearestName(name, Object.keys(DEFAULT_COSTS));
      const hint = meant ?? Object.keys(DEFAULT_COSTS).join(", ");
      throw unusable(given, `unknown entry ${name}`, `Known: ${hint}.`);
    }
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw unusable(given, `${name} is not a whole number of at least 0`, `Write ${name}: 90.`);
    }
  }
  return { name: given, table: { ...DEFAULT_COSTS, ...entries } };
}

function unusable(given: string, reason: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_CONFIG", `cost table ${given}: ${reason}`, suggestion);
}
