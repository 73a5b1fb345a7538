import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appImage } from "./app-image.js";
import { CpioArchive } from "./cpio.js";
import { guestPlaces } from "./places.js";
import type { PreparedGuest } from "./prepare.js";
import type { GuestBoot } from "./qemu.js";
import { withScratch } from "./scratch.js";
import { needTools } from "./tool.js";

const MEMORY_MIB = 1536;

/** What of a boot the image decides; the rest is the caller's. */
export type ImageBoot = Pick<GuestBoot, "accelerator" | "kernel" | "initramfs" | "memoryMiB">;

/**
 * Makes the initramfs of one run in a folder of its own, which goes when `use` is done.
 *
 *      [ base: busybox, Node ][ netmem ][ job: /job/init, /mod/*.ko, what `fill` adds ]
 *
 * @param start the shell script that the guest's init hands over to.
 */
export async function withGuestImage<T>(
  guest: PreparedGuest,
  start: string,
  fill: (archive: CpioArchive) => Promise<void>,
  use: (boot: ImageBoot, folder: string) => Promise<T>,
): Promise<T> {
  needTools(["qemu-system-x86_64"]);
  const { base, kernel, module, tun } = guestPlaces(guest.id);
  return withScratch(join(tmpdir(), "netmem-vm-"), async (folder) => {
    const archive = new CpioArchive();
    archive.file("job/init", Buffer.from(start), 0o755);
    if (guest.nmsim) archive.file("mod/nmsim.ko", await readFile(module));
    if (existsSync(tun)) archive.file("mod/tun.ko", await readFile(tun));
    await fill(archive);
    const initramfs = join(folder, "initramfs.cpio");
    const parts = [await readFile(base), await appImage(), archive.bytes()];
    await writeFile(initramfs, Buffer.concat(parts));
    const { accelerator } = guest;
    return use({ accelerator, kernel, initramfs, memoryMiB: MEMORY_MIB }, folder);
  });
}
