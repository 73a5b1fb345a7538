import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";

/** Signals that end a process, by what its exit code then is. */
const ENDS = { SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Lends `use` a new folder whose name begins with `prefix`. It goes when `use` is done, and when the
 * process is told to end meanwhile.
 */
export async function withScratch<T>(
  prefix: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(prefix);
  const clean = () => rmSync(folder, { recursive: true, force: true });
  // Whatever else was started is ended by listeners of "exit" too.
  const ends = Object.entries(ENDS).map(
    ([name, code]) => [name, () => process.exit(code)] as const,
  );
  process.once("exit", clean);
  for (const [name, end] of ends) process.once(name, end);
  try {
    return await use(folder);
  } finally {
    process.off("exit", clean);
    for (const [name, end] of ends) process.off(name, end);
    await rm(folder, { recursive: true, force: true });
  }
}
