import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { NetmemError } from "../../replay/error.js";
import type { ExportTarget } from "../../replay/plan/replay-config.js";
import type { NetmemDocument } from "../../replay/record/load-document.js";
import type { IntervalEvent } from "../../replay/run/contract.js";
import { intervalLine, summaryLines } from "../../report/export/ndjson.js";
import { subjectOf } from "../../report/export/subject.js";

/**
 * NDJSON that is written while a replay goes on: each interval as soon as it has ended, the rest
 * when there is a document. What was written stays if the replay is broken off.
 */
export class LiveNdjson {
  readonly #files: ReadonlyArray<{ readonly file: string; readonly fd: number }>;

  /** @throws NetmemError NETMEM_EXPORT where a file cannot be made. */
  constructor(targets: readonly ExportTarget[]) {
    this.#files = targets.map(({ file }) => ({ file, fd: file === "-" ? 1 : opened(file) }));
  }

  interval({ capture, interval, ...run }: IntervalEvent): void {
    this.#write(intervalLine(capture, run, interval));
  }

  /** Writes what is known at the end. */
  finish(document: NetmemDocument): void {
    this.#write(summaryLines(subjectOf([document])).join(""));
  }

  close(): void {
    for (const { fd } of this.#files) if (fd !== 1) closeSync(fd);
  }

  #write(text: string): void {
    for (const { file, fd } of this.#files) {
      if (fd === 1) process.stdout.write(text);
      else written(file, () => writeLines(fd, text));
    }
  }
}

/** Writes all of a text, or none: on a disk that fills up a write may take a part. */
function writeLines(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(fd, bytes, done);
  } catch (error) {
    const stats = fstatSync(fd);
    if (stats.isFile()) ftruncateSync(fd, stats.size - done);
    throw error;
  }
}

function opened(file: string): number {
  return written(file, () => openSync(file, "w"));
}

function written<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new NetmemError("NETMEM_EXPORT", `cannot write ${file}: ${reason}`, "Check the disk.");
  }
}
