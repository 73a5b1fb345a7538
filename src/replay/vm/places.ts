import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package that this program runs from: its bin, dist and package.json. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * What is kept between runs for one kernel.
 *
 *      ~/.cache/netmem/vm/7.3/   vmlinux  nmsim.ko  tun.ko  base.cpio  prepared.json
 */
export interface GuestPlaces {
  readonly folder: string;
  readonly kernel: string;
  readonly module: string;
  /** The kernel's own TUN driver; not there where it is built in. */
  readonly tun: string;
  readonly base: string;
  readonly facts: string;
}

/** Where the parts of kernel `id` are kept; XDG_CACHE_HOME and NETMEM_VM_CACHE move it. */
export function guestPlaces(id: string, environment = process.env): GuestPlaces {
  const cache = environment.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return placesIn(join(environment.NETMEM_VM_CACHE ?? join(cache, "netmem", "vm"), id));
}

/** The same parts in another folder, where they are being made. */
export function placesIn(folder: string): GuestPlaces {
  return {
    folder,
    kernel: join(folder, "vmlinux"),
    module: join(folder, "nmsim.ko"),
    tun: join(folder, "tun.ko"),
    base: join(folder, "base.cpio"),
    facts: join(folder, "prepared.json"),
  };
}
