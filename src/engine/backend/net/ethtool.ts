import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../sys/socket.js";
import { ifreq } from "./device.js";

/** include/uapi/linux/sockios.h, ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETHTOOL_GRXFHINDIR = 0x38;
const ETHTOOL_SRXFHINDIR = 0x39;
const ETHTOOL_GSSET_INFO = 0x37;
const ETH_SS_STATS = 1;
const ETH_GSTRING_LEN = 32;

/**
 * Sends one ethtool request; `request` is overwritten by the answer.
 *
 * @throws SystemError with the driver's errno, named `what`.
 */
export function ethtool(name: string, request: Buffer, what: string): void {
  const memory = new Mapping({ bytes: request.length });
  const fd = must(libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  try {
    memory.bytes.set(request);
    const arg = ifreq(name);
    arg.writeBigUInt64LE(BigInt(memory.at(0, request.length)), 16);
    must(libc().ioctl(fd, SIOCETHTOOL, arg), what);
    request.set(memory.bytes.subarray(0, request.length));
  } finally {
    libc().close(fd);
    memory.release();
  }
}

/** Sends every flow that no rule takes to one RX queue (`ethtool -X name`). */
export function steerAllTo(name: string, queue: number): void {
  setIndirection(
    name,
    indirection(name).map(() => queue),
  );
}

/** RX queues by hash: the indirection table of RSS (`ethtool -x name`). */
export function indirection(name: string): number[] {
  const size = Buffer.alloc(8);
  size.writeUInt32LE(ETHTOOL_GRXFHINDIR, 0);
  ethtool(name, size, `ETHTOOL_GRXFHINDIR ${name}`);
  const entries = size.readUInt32LE(4);
  const table = Buffer.alloc(8 + 4 * entries);
  table.set(size);
  ethtool(name, table, `ETHTOOL_GRXFHINDIR ${name}`);
  return Array.from({ length: entries }, (_, i) => table.readUInt32LE(8 + 4 * i));
}

/** Sets the whole indirection table. */
export function setIndirection(name: string, queues: readonly number[]): void {
  const table = Buffer.alloc(8 + 4 * queues.length);
  table.writeUInt32LE(ETHTOOL_SRXFHINDIR, 0);
  table.writeUInt32LE(queues.length, 4);
  for (const [i, queue] of queues.entries()) table.writeUInt32LE(queue, 8 + 4 * i);
  ethtool(name, table, `ETHTOOL_SRXFHINDIR ${name}`);
}

/** The driver's own counters (`ethtool -S name`). */
export function driverCounters(name: string): Map<string, number> {
  const info = Buffer.alloc(20);
  info.writeUInt32LE(ETHTOOL_GSSET_INFO, 0);
  info.writeBigUInt64LE(1n << BigInt(ETH_SS_STATS), 8);
  ethtool(name, info, `ETHTOOL_GSSET_INFO ${name}`);
  const count = info.readUInt32LE(16);
  const strings = Buffer.alloc(12 + count * ETH_GSTRING_LEN);
  strings.writeUInt32LE(ETHTOOL_GSTRINGS, 0);
  strings.writeUInt32LE(ETH_SS_STATS, 4);
  strings.writeUInt32LE(count, 8);
  ethtool(name, strings, `ETHTOOL_GSTRINGS ${name}`);
  const stats = Buffer.alloc(8 + count * 8);
  stats.writeUInt32LE(ETHTOOL_GSTATS, 0);
  stats.writeUInt32LE(count, 4);
  ethtool(name, stats, `ETHTOOL_GSTATS ${name}`);
  const counters = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const at = 12 + i * ETH_GSTRING_LEN;
    const text = strings.toString("latin1", at, at + ETH_GSTRING_LEN);
    counters.set(text.slice(0, text.indexOf("\0")), Number(stats.readBigUInt64LE(8 + 8 * i)));
  }
  return counters;
}
