import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NetmemError } from "../error.js";
import { FLAG_NAMES } from "./flags.js";
import { nearestName } from "./nearest.js";
import { TRIAL_FLAG_NAMES } from "./trial-flags.js";

const FILE_NAMES = ["netmem.config.yaml", "netmem.config.json"];

/** What a configuration file sets: flag names and values as command-line text. */
export interface FileSettings {
  readonly path: string;
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * The nearest `netmem.config.yaml` or `.json`, from `cwd` upward; undefined if there is none.
 */
export async function findConfigFile(cwd: string): Promise<string | undefined> {
  let folder = cwd;
  for (;;) {
    for (const name of FILE_NAMES) {
      const path = join(folder, name);
      if (await isFile(path)) return path;
    }
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

/**
 * Reads a configuration file: a map from flag names to values, YAML or JSON. A list stands for a
 * repeated flag.
 *
 * @throws NetmemError NETMEM_CONFIG with file and line for what cannot be read or is not known.
 */
export async function readConfigFile(path: string): Promise<FileSettings> {
  const [text, { LineCounter, parseDocument }, { z }] = await Promise.all([
    readText(path),
    import("yaml"),
    import("zod"),
  ]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineOf = (offset: number) => `${path}:${lineCounter.linePos(offset).line}`;
  for (const problem of document.errors) {
    throw unusable(`${lineOf(problem.pos[0])}: ${problem.message}`, "Mend the file's syntax.");
  }
  const scalar = z.union([z.string(), z.number(), z.boolean()]);
  const value = z
    .union([scalar, z.array(scalar)])
    .transform((given) => (Array.isArray(given) ? given.join(",") : String(given)));
  const known = [...FLAG_NAMES, ...TRIAL_FLAG_NAMES].filter(
    // Thresholds have a file of their own, netmem.gate.yaml.
    (name) => name !== "config" && name !== "threshold",
  );
  const shape = Object.fromEntries(known.map((name) => [name, value.optional()]));
  const parsed = z.strictObject(shape).safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const key = issue.code === "unrecognized_keys" ? issue.keys[0] : issue.path[0];
    if (key === undefined) throw unusable(`${path}: not a map of settings`, "Write ring: 2048.");
    const node = document.get(String(key), true) as { range?: [number, number, number] } | null;
    const where = lineOf(node?.range?.[0] ?? 0);
    if (issue.code !== "unrecognized_keys") {
      throw unusable(`${where}: ${String(key)} must be one value or a list`, "Write ring: 2048.");
    }
    const meant = nearestName(String(key), known);
    const hint = meant === undefined ? "See netmem replay --help." : `Did you mean ${meant}?`;
    throw unusable(`${where}: unknown setting ${String(key)}`, hint);
  }
  return { path, texts: parsed.data as Record<string, string> };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw unusable(`configuration file ${path}: ${reason}`, "Check --config.");
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function unusable(message: string, suggestion: string): NetmemError {
  return new NetmemError("NETMEM_CONFIG", message, suggestion);
}
