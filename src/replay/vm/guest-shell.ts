import { join } from "node:path";
import { withGuestImage } from "./guest-image.js";
import type { PreparedGuest } from "./prepare.js";
import { bootGuest } from "./qemu.js";

const DAY_MS = 24 * 3600 * 1000;
const START = `#!/bin/busybox sh
[ -f /mod/nmsim.ko ] && insmod /mod/nmsim.ko && ip link set nm0 up && ip link set nm1 up
echo "netmem: node /netmem/bin/run.js; the module: /mod/nmsim.ko; poweroff -f ends the guest"
exec sh
`;

/** Boots a guest on this terminal: a shell, netmem, and the virtual NIC. */
export async function guestShell(guest: PreparedGuest, signal: AbortSignal): Promise<void> {
  await withGuestImage(
    guest,
    START,
    async () => {},
    (image, folder) =>
      bootGuest({
        ...image,
        answer: join(folder, "answer.txt"),
        console: null,
        timeoutMs: DAY_MS,
        signal,
      }),
  );
}
