import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import { appImage } from "./app-image.js";
import { CpioArchive } from "./cpio.js";
import type { GuestAnswer, GuestJob } from "./guest/job.js";
import { guestPlaces } from "./places.js";
import type { PreparedGuest } from "./prepare.js";
import { bootGuest, type GuestEnd } from "./qemu.js";
import { needTools } from "./tool.js";

const MEMORY_MIB = 1536;
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
  needTools(["qemu-system-x86_64"]);
  const { guest, job } = run;
  const places = guestPlaces(guest.id);
  const folder = await mkdtemp(join(tmpdir(), "netmem-vm-"));
  try {
    const initramfs = join(folder, "initramfs.cpio");
    const parts = [await readFile(places.base), await appImage(), await jobImage(run)];
    await writeFile(initramfs, Buffer.concat(parts));
    const answer = join(folder, "answer.json");
    const console = join(folder, "console.log");
    const commandMs = job.commands.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
    const end = await bootGuest({
      accelerator: guest.accelerator,
      kernel: places.kernel,
      initramfs,
      memoryMiB: MEMORY_MIB,
      answer,
      console,
      timeoutMs: BOOT_MS + commandMs,
      signal: run.signal,
    });
    return await answerIn(answer, console, end);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The part of the initramfs that differs from run to run. */
async function jobImage({ guest, job, files }: GuestRun): Promise<Buffer> {
  const archive = new CpioArchive();
  archive.folder("job");
  const start = "#!/bin/busybox sh\nexec node /netmem/dist/replay/vm/guest/agent.js\n";
  archive.file("job/init", Buffer.from(start), 0o755);
  archive.file("job/job.json", Buffer.from(JSON.stringify(job)));
  if (guest.nmsim) archive.file("mod/nmsim.ko", await readFile(guestPlaces(guest.id).module));
  const folders = new Set<string>();
  for (const [name, path] of files) {
    const parts = name.split("/").slice(0, -1);
    for (let i = 1; i <= parts.length; i++) {
      const folder = parts.slice(0, i).join("/");
      if (!folders.has(folder)) archive.folder(folder);
      folders.add(folder);
    }
    archive.file(name, await readFile(path));
  }
  return archive.bytes();
}

async function answerIn(answer: string, console: string, end: GuestEnd): Promise<GuestAnswer> {
  const text = await readFile(answer, "utf8").catch(() => "");
  try {
    return JSON.parse(text) as GuestAnswer;
  } catch {
    const log = await readFile(console, "utf8").catch(() => "");
    const last = log.trim().split(/\r?\n/).slice(-CONSOLE_LINES).join("\n");
    throw new NetmemError(
      "NETMEM_BACKEND_FAILED",
      `the guest gave no answer (${WHY[end]}); its console ended with:\n${last}`,
      "Run netmem vm shell to look at the guest, or netmem vm prepare to make it anew.",
    );
  }
}

const WHY: Readonly<Record<GuestEnd, string>> = {
  off: "it turned off",
  timeout: "its time was up",
  interrupted: "it was interrupted",
  failed: "it failed",
};
