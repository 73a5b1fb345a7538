import { readFile } from "node:fs/promises";
import type { PlannedFault } from "../../engine/fault/plan.js";
import { NetmemError } from "../error.js";
import { parseFault } from "./fault-grammar.js";
import { ValueError } from "./value-error.js";

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
  const [text, { LineCounter, parseDocument, isSeq }] = await Promise.all([
    readText(path),
    import("yaml"),
  ]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineOf = (offset: number) => `${path}:${lineCounter.linePos(offset).line}`;
  for (const problem of document.errors) {
    throw unusable(`${lineOf(problem.pos[0])}: ${problem.message}`);
  }
  if (!isSeq(document.contents)) throw unusable(`${path}: not a list of faults`);
  const entries = document.toJS() as unknown[];
  return document.contents.items.map((item, i) => {
    const { range } = item as { range?: [number, number, number] };
    try {
      return entry(entries[i]);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw unusable(`${lineOf(range?.[0] ?? 0)}: this fault ${error.message}`);
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

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unusable(`fault plan ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}

function unusable(message: string): NetmemError {
  return new NetmemError(
    "NETMEM_CONFIG",
    message,
    "Write a list such as '- app-hang@5ms,for=2s'; see docs/faults.md.",
  );
}
