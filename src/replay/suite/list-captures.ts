import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import { globPattern, globRoot, isGlob } from "./glob.js";

/** Captures to replay, and whether they are a suite even if there is only one. */
export interface CaptureList {
  readonly paths: readonly string[];
  readonly suite: boolean;
}

/** What a directory's captures are called; anything else beside them is left alone. */
const CAPTURE_NAME = /\.(pcap|pcapng|cap|dmp)(\.gz)?$/i;

/**
 * Turns directories and globs into the captures in them, in the order of their names; everything
 * else stays as it is. Each capture is listed once.
 *
 * @throws NetmemError NETMEM_CAPTURE_MISSING for a directory or glob without a capture.
 */
export async function listCaptures(given: readonly string[]): Promise<CaptureList> {
  const paths: string[] = [];
  let suite = given.length > 1;
  for (const path of given) {
    const found = path === "-" ? undefined : await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) {
      suite = true;
      const inside = (await filesBelow(path)).filter((file) => CAPTURE_NAME.test(file));
      paths.push(...orMissing(inside, path, "no *.pcap, *.pcapng or *.cap below it"));
    } else if (found === undefined && isGlob(path)) {
      suite = true;
      const pattern = globPattern(path);
      const below = await filesBelow(globRoot(path)).catch(() => [] as string[]);
      const matched = below.filter((file) => pattern.test(file));
      paths.push(...orMissing(matched, path, "no file matches"));
    } else paths.push(path);
  }
  return { paths: [...new Set(paths)], suite };
}

/** Every file below a folder, sorted by path. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

function orMissing(found: string[], path: string, why: string): string[] {
  if (found.length > 0) return found;
  throw new NetmemError("NETMEM_CAPTURE_MISSING", `${path}: ${why}`, "Check the path.");
}
