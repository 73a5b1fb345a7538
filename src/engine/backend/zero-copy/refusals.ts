import { errnoName, SystemError } from "../ffi/errno.js";
import { Unavailable } from "../unavailable.js";

/** What to do about the errno that opening a provider on a queue answered with. */
const REMEDIES: Readonly<Record<number, string>> = {
  1: "run as root: CAP_NET_ADMIN is needed",
  2: "give the name of an interface that is there: ip link",
  12: "raise memlock (ulimit -l unlimited), or use a smaller --area",
  16: "an AF_XDP socket has the queue, or it is leased away: end that use, or take another --queue",
  17:
    "the queue has a provider, or the interface an XDP program: end that use " +
    "(ip link set IF xdp off), or take another --queue",
  19: "give the name of an interface that is there: ip link",
  22: "check that --queue exists, and ethtool -G IF tcp-data-split on hds-thresh 0",
  34:
    "the interface has no such queue (ethtool -l IF), or memory is not contiguous enough for " +
    "--buffer-size",
  61: "the driver's page pool takes no memory that the CPU cannot read (no netmem support)",
  95: "the driver has no queue management (queue_mgmt_ops) or no DMA device; use netmem vm",
  100: "set the interface up first",
};

/** @returns what a user is told when a provider cannot be opened; `code` is positive. */
export function refusedProvider(row: string, call: string, code: number, words = ""): Refused {
  const remedy = REMEDIES[code] ?? "see what the kernel says about it: dmesg";
  const said = words === "" ? "" : ` (${words})`;
  return new Refused(row, `${call} answered ${errnoName(code)}${said}`, remedy, code);
}

/** The kernel refused a provider; `errno` is positive. */
export class Refused extends Unavailable {
  readonly errno: number;

  constructor(row: string, message: string, remedy: string, errno: number) {
    super(row, message, remedy);
    this.errno = errno;
  }
}

/** A refusal as a fault's effect; anything else goes on. */
export function refusalOf(error: unknown): string {
  if (error instanceof Refused || error instanceof SystemError) {
    return `refused with -${errnoName(error.errno)}`;
  }
  throw error;
}
