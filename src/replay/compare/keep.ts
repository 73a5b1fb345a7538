import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import type { Trial } from "./trials.js";

/** Keeps the records of repetitions on disk as they end, so that a crash loses none. */
export interface TrialKeeper {
  add(trial: Trial): Promise<void>;
}

/**
 * A folder with a file for each side, `LABEL.ndjson`, a record a line; `netmem compare` and
 * `netmem gate` read such files. Files of an earlier run are begun anew.
 *
 * @throws NetmemError NETMEM_CONFIG when the folder cannot be made or written to.
 */
export async function keepIn(folder: string, labels: readonly string[]): Promise<TrialKeeper> {
  const names = labels.map((label) => label.replace(/[^\w.=-]+/g, "-"));
  const files = names.map((name) => join(folder, `${name}.ndjson`));
  try {
    await mkdir(folder, { recursive: true });
    for (const file of files) await writeFile(file, "");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new NetmemError(
      "NETMEM_CONFIG",
      `cannot keep records in ${folder}: ${reason}`,
      "Name a folder that can be written to.",
    );
  }
  return {
    add: async ({ subject, records }) => {
      const lines = records.map((record) => `${JSON.stringify(record)}\n`);
      await appendFile(files[subject]!, lines.join(""));
    },
  };
}
