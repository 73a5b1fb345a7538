import { NetmemError } from "../error.js";
import { FLAG_NAMES } from "./flags.js";
import { nearestName } from "./nearest.js";
import { TRIAL_FLAG_NAMES } from "./trial-flags.js";
import { findUpward, readYaml } from "./yaml-file.js";

const FILE_NAMES = ["netmem.config.yaml", "netmem.config.json"];

const KIND = {
  name: "configuration file",
  whenUnreadable: "Check --config.",
  whenMalformed: "Mend the file's syntax.",
};

/** What a configuration file sets: flag names and values as command-line text. */
export interface FileSettings {
  readonly path: string;
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * The nearest `netmem.config.yaml` or `.json`, from `cwd` upward; undefined if there is none.
 */
export function findConfigFile(cwd: string): Promise<string | undefined> {
  return findUpward(cwd, FILE_NAMES);
}

/**
 * Reads a configuration file: a map from flag names to values, YAML or JSON. A list stands for a
 * repeated flag.
 *
 * @throws NetmemError NETMEM_CONFIG with file and line for what cannot be read or is not known.
 */
export async function readConfigFile(path: string): Promise<FileSettings> {
  const [file, { valueMapOf }] = await Promise.all([
    readYaml(path, KIND),
    import("./value-map.js"),
  ]);
  const known = [...FLAG_NAMES, ...TRIAL_FLAG_NAMES].filter(
    // Thresholds have a file of their own, netmem.gate.yaml.
    (name) => name !== "config" && name !== "threshold",
  );
  const map = valueMapOf(file.plain() ?? {}, known);
  if ("texts" in map) return { path, texts: map.texts };
  if (map.wrong === "map") throw unusable(`${path}: not a map of settings`, "Write ring: 2048.");
  const { key } = map;
  const node = file.document.get(key, true) as { range?: [number, number, number] } | null;
  const where = file.lineOf(node?.range?.[0] ?? 0);
  if (map.wrong === "value") {
    throw unusable(`${where}: ${key} must be one value or a list`, "Write ring: 2048.");
  }
  const meant = nearestName(key, known);
  const hint = meant === undefined ? "See netmem replay --help." : `Did you mean ${meant}?`;
  throw unusable(`${where}: unknown setting ${key}`, hint);
}

function unusable(message: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_CONFIG", message, suggestion);
}
