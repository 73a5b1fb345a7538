import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appImage } from "./app-image.js";
import { CpioArchive } from "./cpio.js";
import { guestPlaces } from "./places.js";
import type { PreparedGuest } from "./prepare.js";
import { bootGuest } from "./qemu.js";
import { needTools } from "./tool.js";

const DAY_MS = 24 * 3600 * 1000;
const START = `#!/bin/busybox sh
[ -f /mod/nmsim.ko ] && insmod /mod/nmsim.ko && ip link set nm0 up && ip link set nm1 up
echo "netmem: node /netmem/bin/run.js; the module: /mod/nmsim.ko; poweroff -f ends the guest"
exec sh
`;

/** Boots a guest on this terminal: a shell, netmem, and the virtual NIC. */
export async function guestShell(guest: PreparedGuest, signal: AbortSignal): Promise<void> {
  needTools(["qemu-system-x86_64"]);
  const places = guestPlaces(guest.id);
  const folder = await mkdtemp(join(tmpdir(), "netmem-vm-"));
  try {
    const archive = new CpioArchive();
    archive.folder("job");
    archive.file("job/init", Buffer.from(START), 0o755);
    if (guest.nmsim) archive.file("mod/nmsim.ko", await readFile(places.module));
    const initramfs = join(folder, "initramfs.cpio");
    const parts = [await readFile(places.base), await appImage(), archive.bytes()];
    await writeFile(initramfs, Buffer.concat(parts));
    await bootGuest({
      accelerator: guest.accelerator,
      kernel: places.kernel,
      initramfs,
      memoryMiB: 1536,
      answer: join(folder, "answer.txt"),
      console: null,
      timeoutMs: DAY_MS,
      signal,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
