import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NetmemError } from "../error.js";
import { FLAG_NAMES } from "./flags.js";
import { nearestName } from "./nearest.js";
import { TRIAL_FLAG_NAMES } from "./trial-flags.js";

const FILE_NAMES = ["netmem.config.yaml", "netmem.config.json"];

/** A configuration file larger than this is none. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

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
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
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
  const parsed = z.strictObject(shape).safeParse(plainOf(document, path) ?? {});
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

/** The document as plain values; aliases without an anchor, or by the thousand, are refused. */
function plainOf(document: { toJS(): unknown }, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw unusable(`${path}: ${(error as Error).message}`, "Mend the file's aliases.");
  }
}

async function readText(path: string): Promise<string> {
  try {
    const handle = await open(path);
    try {
      return await readSome(handle, path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof NetmemError) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw unusable(`configuration file ${path}: ${reason}`, "Check --config.");
  }
}

/** The whole of a file of any kind: /dev/zero has no end. */
async function readSome(handle: FileHandle, path: string): Promise<string> {
  const bytes = new Uint8Array(MAX_CONFIG_BYTES + 1);
  let filled = 0;
  for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
    got = (await handle.read(bytes, filled, bytes.length - filled)).bytesRead;
  }
  if (filled > MAX_CONFIG_BYTES) {
    throw unusable(`configuration file ${path} is larger than 1 MiB`, "Check --config.");
  }
  return new TextDecoder().decode(bytes.subarray(0, filled));
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
