import { rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Signals that end a process, by what its exit code then is. */
const ENDS = { SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Lends `use` a new folder, `prefix`PID-XXXXXX. It goes when `use` is done, and when the process is
 * told to end meanwhile; that of one which was killed goes with the next that is made.
 */
export async function withScratch<T>(
  prefix: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await sweep(prefix);
  const folder = await mkdtemp(`${prefix}${process.pid}-`);
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

/** Takes folders away whose processes are gone; those of other users stay. */
async function sweep(prefix: string): Promise<void> {
  const [place, begin] = [dirname(prefix), basename(prefix)];
  for (const name of await readdir(place)) {
    const pid = name.startsWith(begin) ? /^(\d+)-/.exec(name.slice(begin.length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(place, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
