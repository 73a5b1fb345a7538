import { constants, rmSync } from "node:fs";
import { access, appendFile, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { NetmemError } from "../error.js";

/**
 * Fails early where a document could not be written at the end of a long run.
 *
 * @throws NetmemError NETMEM_CONFIG when the file's folder is missing or not writable.
 */
export async function assertWritable(file: string): Promise<void> {
  const folder = dirname(file);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    throw new NetmemError(
      "NETMEM_CONFIG",
      `cannot write ${file}: folder ${folder}: ${reason}`,
      "Export to a folder that exists and is writable.",
    );
  }
}

/**
 * Writes a file whole or not at all: into a temporary file beside it, which is then renamed. What
 * exists and is no regular file (a pipe, /dev/null) is written to directly and stays what it is.
 *
 * @throws NetmemError NETMEM_EXPORT with the system's reason; nothing is left behind.
 */
export async function writeWhole(file: string, text: string | Iterable<string>): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    if (await isSpecial(file)) return await writeFile(file, text);
    beginDraft(temporary);
    const handle = await open(temporary, "w");
    try {
      await writeFile(handle, text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new NetmemError("NETMEM_EXPORT", `cannot write ${file}: ${reason}`, "Check the disk.");
  } finally {
    endDraft(temporary);
  }
}

/** Signals that end a process which does not listen, and the exit code that tells of each. */
const ENDS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Files that are being written; they go when the process is told to end meanwhile. */
const drafts = new Set<string>();
const dropDrafts = () => {
  for (const draft of drafts) rmSync(draft, { force: true });
};
const ends = Object.entries(ENDS).map(([signal, code]) => {
  const end = () => {
    // Another listener knows better what to do first.
    if (process.listenerCount(signal) === 1) process.exit(code);
  };
  return [signal, end] as const;
});

function beginDraft(draft: string): void {
  if (drafts.size === 0) {
    process.on("exit", dropDrafts);
    for (const [signal, end] of ends) process.on(signal, end);
  }
  drafts.add(draft);
}

function endDraft(draft: string): void {
  drafts.delete(draft);
  if (drafts.size > 0) return;
  process.off("exit", dropDrafts);
  for (const [signal, end] of ends) process.off(signal, end);
}

/**
 * Checks that `file` is none of the files that are read, by whatever name.
 *
 * @throws NetmemError NETMEM_USAGE where it is.
 */
export async function assertNoInput(file: string, inputs: readonly string[]): Promise<void> {
  const target = await identityOf(file);
  for (const input of inputs) {
    if (target === null || (await identityOf(input)) !== target) continue;
    const message = `${file} is the capture ${input}, which an export would overwrite`;
    throw new NetmemError("NETMEM_USAGE", message, "Name another file.");
  }
}

/** Which plain file a path names, however it does; null where it names none. */
async function identityOf(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  return stats?.isFile() === true ? `${stats.dev} ${stats.ino}` : null;
}

/**
 * Adds text to a file that others write to as well, made if it is not there.
 *
 * @throws NetmemError NETMEM_EXPORT with the system's reason.
 */
export async function appendText(file: string, text: string): Promise<void> {
  try {
    await appendFile(file, text);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new NetmemError("NETMEM_EXPORT", `cannot write ${file}: ${reason}`, "Check the disk.");
  }
}

async function isSpecial(file: string): Promise<boolean> {
  try {
    return !(await stat(file)).isFile();
  } catch {
    return false;
  }
}
