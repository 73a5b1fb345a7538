import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { serialize } from "node:v8";
import { NetmemError } from "../error.js";
import type { CpioArchive } from "./cpio.js";
import { type GuestAnswer, type GuestJob, JOB_FILE } from "./guest/job.js";
import { withGuestImage } from "./guest-image.js";
import type { PreparedGuest } from "./prepare.js";
import { bootGuest, type GuestEnd } from "./qemu.js";

const START = "#!/bin/busybox sh\nexec node /netmem/dist/replay/vm/guest/agent.js\n";
/** Boot and end of the guest, beside what its commands may take. */
const BOOT_MS = 90_000;
/** Lines of the console that a message shows. */
const CONSOLE_LINES = 15;

/** Which guest does what. */
export interface GuestRun {
  readonly guest: PreparedGuest;
  readonly job: GuestJob;
  /** Files of this machine, by their paths in the guest (without the leading slash). */
  readonly files: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/**
 * Boots a prepared guest, lets it do a job, and takes its answer; the guest is off when this
 * returns, whatever happens, and nothing of it is left.
 *
 * @throws NetmemError NETMEM_BACKEND_FAILED when the guest did not answer in time.
 */
export async function runGuest(run: GuestRun): Promise<GuestAnswer> {
  const { guest, job, files, signal } = run;
  const fill = async (archive: CpioArchive) => {
    archive.file(JOB_FILE.slice(1), serialize(job));
    for (const [name, path] of files) archive.file(name, await readFile(path));
  };
  return withGuestImage(guest, START, fill, async (image, folder) => {
    const answer = join(folder, "answer.json");
    const console = join(folder, "console.log");
    const commandMs = job.commands.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
    const timeoutMs = BOOT_MS + commandMs;
    const end = await bootGuest({ ...image, answer, console, timeoutMs, signal });
    return answerIn(answer, console, end);
  });
}

async function answerIn(answer: string, console: string, end: GuestEnd): Promise<GuestAnswer> {
  const text = await readFile(answer, "utf8").catch(() => "");
  try {
    return JSON.parse(text) as GuestAnswer;
  } catch {
    if (end === "interrupted") throw interrupted();
    const log = await readFile(console, "utf8").catch(() => "");
    const last = log.trim().split(/\r?\n/).slice(-CONSOLE_LINES).join("\n");
    throw new NetmemError(
      "NETMEM_BACKEND_FAILED",
      `the guest gave no answer (${WHY[end]}); its console ended with:\n${last}`,
      "Run netmem vm shell to look at the guest, or netmem vm prepare to make it anew.",
    );
  }
}

const WHY = { off: "it turned off", timeout: "its time was up" } as const;

function interrupted(): NetmemError {
  return new NetmemError("NETMEM_BACKEND_FAILED", "the guest was interrupted", "Run it again.");
}
