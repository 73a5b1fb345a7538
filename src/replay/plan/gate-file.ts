import { NetmemError } from "../error.js";
import { nearestName } from "./nearest.js";
import { TRIAL_FLAGS } from "./trial-flags.js";
import { ValueError } from "./value-error.js";
import { findUpward, readYaml } from "./yaml-file.js";

/** The file that a gate reads where nothing else names thresholds. */
export const GATE_FILE = "netmem.gate.yaml";

/** A threshold as a file or a flag has it. */
export interface GivenThreshold {
  readonly expression: string;
  /** `--threshold`, or file and line. */
  readonly origin: string;
  readonly abort: boolean;
  readonly graceMs: number;
}

/** What a gate file says; null where it says nothing. */
export interface GateFile {
  readonly path: string;
  readonly thresholds: readonly GivenThreshold[];
  readonly baseline: string | null;
  readonly repetitions: number | null;
  readonly warmup: number | null;
  readonly inconclusive: "pass" | "fail" | null;
}

const KEYS = ["thresholds", "baseline", "repetitions", "warmup", "inconclusive"] as const;
const KIND = {
  name: "gate file",
  whenUnreadable: "Check --file.",
  whenMalformed: "Mend the file's syntax; a threshold with {tags} or a colon stands in quotes.",
};
const THRESHOLD_KEYS = ["threshold", "abort", "grace"] as const;

/** The nearest netmem.gate.yaml, from `cwd` upward; undefined if there is none. */
export function findGateFile(cwd: string): Promise<string | undefined> {
  return findUpward(cwd, [GATE_FILE]);
}

/**
 * Reads a gate file: a list of thresholds, each a text or a map with `threshold`, `abort` and
 * `grace`, and what the flags of the same names would say.
 *
 * @throws NetmemError NETMEM_CONFIG with file and line for what cannot be read or is not known.
 */
export async function readGateFile(path: string): Promise<GateFile> {
  const [file, { isMap, isScalar, isSeq }] = await Promise.all([
    readYaml(path, KIND),
    import("yaml"),
  ]);
  const at = (node: unknown) => {
    const range = (node as { range?: [number, number, number] } | null)?.range;
    return range === undefined ? `${path}:1` : file.lineOf(range[0]);
  };
  const root = file.document.contents;
  if (!isMap(root)) throw unusable(`${path}: not a map`);
  const textOf = (node: unknown, what: string) => {
    if (isScalar(node) && node.value !== null) return String(node.value);
    throw unusable(`${at(node)}: ${what} must be one value`);
  };
  const fields = new Map<string, unknown>();
  for (const { key, value } of root.items) {
    const name = textOf(key, "a key");
    if (!(KEYS as readonly string[]).includes(name)) throw unknownKey(at(key), name, KEYS);
    fields.set(name, value);
  }
  const list = fields.get("thresholds");
  if (!isSeq(list) || list.items.length === 0) {
    throw unusable(`${path}: thresholds must be a list with at least one`);
  }
  const thresholds = list.items.map((item): GivenThreshold => {
    const origin = at(item);
    if (!isMap(item)) {
      return { expression: textOf(item, "a threshold"), origin, abort: false, graceMs: 0 };
    }
    const parts = new Map<string, string>();
    for (const { key, value } of item.items) {
      const name = textOf(key, "a key");
      const known = (THRESHOLD_KEYS as readonly string[]).includes(name);
      if (!known) throw unknownKey(at(key), name, THRESHOLD_KEYS);
      parts.set(name, textOf(value, name));
    }
    const expression = parts.get("threshold");
    if (expression === undefined) throw unusable(`${origin}: no threshold in the map`);
    return {
      expression,
      origin,
      abort: parsed("abort", parts.get("abort") ?? "false", origin),
      graceMs: parsed("grace", parts.get("grace") ?? "0", origin),
    };
  });
  const setting = <N extends "baseline" | "repetitions" | "warmup" | "inconclusive">(name: N) => {
    const node = fields.get(name);
    if (node === undefined || node === null) return null;
    return parsed(name, textOf(node, name), at(node));
  };
  return {
    path,
    thresholds,
    baseline: setting("baseline"),
    repetitions: setting("repetitions"),
    warmup: setting("warmup"),
    inconclusive: setting("inconclusive"),
  };
}

function parsed<N extends keyof typeof TRIAL_FLAGS>(
  name: N,
  text: string,
  where: string,
): ReturnType<(typeof TRIAL_FLAGS)[N]["parse"]> {
  try {
    return TRIAL_FLAGS[name].parse(text) as ReturnType<(typeof TRIAL_FLAGS)[N]["parse"]>;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw unusable(`${where}: ${name} ${text} ${error.message}`);
  }
}

function unknownKey(where: string, name: string, known: readonly string[]): NetmemError {
  const meant = nearestName(name, known);
  return new NetmemError(
    "NETMEM_CONFIG",
    `${where}: unknown key ${name} (known: ${known.join(", ")})`,
    meant === undefined ? "See docs/ci.md." : `Did you mean ${meant}?`,
  );
}

function unusable(message: string): NetmemError {
  const help = "Write thresholds: and below it - 'leak.netmems == 0'.";
  return new NetmemError("NETMEM_CONFIG", message, help);
}
