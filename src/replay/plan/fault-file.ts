import type { PlannedFault } from "../../engine/fault/plan.js";
import { NetmemError } from "../error.js";
import { parseFault } from "./fault-grammar.js";
import { ValueError } from "./value-error.js";
import { readYaml } from "./yaml-file.js";

const FORM = "Write a list such as '- app-hang@5ms,for=2s'; see docs/faults.md.";
const KIND = { name: "fault plan", whenUnreadable: FORM, whenMalformed: FORM };

/**
 * A plan of faults in a file, YAML or JSON: a list whose entries are faults as on the command line,
 * or maps with `fault` and `at`, and the arguments beside them.
 *
 *      - app-hang@5ms,for=2s
 *      - fault: loss
 *        at: random
 *        rate: 1%
 *
 * @throws NetmemError NETMEM_CONFIG with file and line for what cannot be read or is not known.
 */
export async function readFaultFile(path: string): Promise<PlannedFault[]> {
  const [file, { isSeq }] = await Promise.all([readYaml(path, KIND), import("yaml")]);
  const { contents } = file.document;
  if (!isSeq(contents)) throw unusable(`${path}: not a list of faults`);
  const entries = file.plain() as unknown[];
  return contents.items.map((item, i) => {
    const { range } = item as { range?: [number, number, number] };
    try {
      return entry(entries[i]);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw unusable(`${file.lineOf(range?.[0] ?? 0)}: this fault ${error.message}`);
    }
  });
}

function entry(value: unknown): PlannedFault {
  if (typeof value === "string") {
    const [head, ...args] = value.split(",").map((word) => word.trim());
    return parseFault(head!, args);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ValueError("is neither text nor a map");
  }
  const { fault, at, ...args } = value as Record<string, unknown>;
  const words = Object.entries(args).map(([name, given]) => `${name}=${String(given)}`);
  const moment = at === undefined ? "" : String(at);
  return parseFault(`${fault === undefined ? "" : String(fault)}@${moment}`, words);
}

function unusable(message: string): NetmemError {
  return new NetmemError("NETMEM_CONFIG", message, FORM);
}
