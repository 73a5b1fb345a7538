import { readFile, realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CpioArchive } from "./cpio.js";
import { mustRun } from "./tool.js";

const EXECUTABLE = 0o755;

/** What init does before netmem's own agent takes over. */
export const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tracefs trace /sys/kernel/tracing
mount -t tmpfs tmp /tmp
ip link set lo up
ulimit -l unlimited
[ -f /mod/tun.ko ] && insmod /mod/tun.ko
[ -x /job/init ] && exec /job/init
exec sh
`;

/**
 * The part of the initramfs that is the same for every run: busybox, the Node that runs this
 * program with its libraries, and koffi.
 *
 *      /init  /bin/busybox  /bin/node  /lib...  /netmem/node_modules/koffi
 */
export async function baseImage(busybox: string): Promise<Buffer> {
  const archive = new CpioArchive();
  for (const name of ["bin", "proc", "sys", "dev", "tmp", "etc", "mod"]) archive.folder(name);
  archive.device("dev/console", 0o600, 5, 1);
  archive.file("init", Buffer.from(INIT), EXECUTABLE);
  archive.file("etc/passwd", Buffer.from("root:x:0:0:root:/tmp:/bin/sh\n"));
  archive.file("bin/busybox", await readFile(busybox), EXECUTABLE);
  const node = await realpath(process.execPath);
  archive.file("bin/node", await readFile(node), EXECUTABLE);
  await addLibraries(archive, node);
  return archive.bytes();
}

/** The shared libraries of a program, each where the program looks for it. */
async function addLibraries(archive: CpioArchive, program: string): Promise<void> {
  const listed = await mustRun("listing libraries", "ldd", [program]);
  const paths = [...listed.matchAll(/(\/[^ ]+)/g)].map((match) => match[1]!);
  for (const path of new Set(paths)) {
    archive.file(path.slice(1), await readFile(path), EXECUTABLE);
  }
}

/** Folder of a package as `from` would load it, or null where it is not installed. */
export function packageFolder(name: string, from: string): string | null {
  const require = createRequire(join(from, "package.json"));
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      createRequire(join(folder, name, "package.json"))(join(folder, name, "package.json"));
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
