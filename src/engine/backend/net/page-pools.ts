import { STAT_NAMES } from "../../page-pool/pool-stats.js";
import { NETDEV_CMD_PAGE_POOL_GET, NETDEV_CMD_PAGE_POOL_STATS_GET } from "../sys/devmem.js";
import { GenericNetlink } from "./genetlink.js";
import { attributesOf } from "./netlink.js";

/** Attributes of a page pool (Documentation/netlink/specs/netdev.yaml). */
const ID = 1;
const IFINDEX = 2;
const INFLIGHT = 4;
const DETACH_TIME = 6;
const DMABUF = 7;
const IO_URING = 8;
/** Of its statistics: which pool, and the eleven counters from here on in the kernel's order. */
const STATS_INFO = 1;
const FIRST_STAT = 8;

/** A page pool of the kernel, as netlink shows it. */
export interface KernelPagePool {
  readonly id: number;
  readonly ifindex: number;
  readonly inflight: number;
  /** Seconds since it was detached, or null while it is in use. */
  readonly detachTime: number | null;
  readonly provider: "devmem" | "zcrx" | null;
  readonly stats: Readonly<Record<string, number>>;
}

/** All page pools of this namespace's interfaces (page-pool-get, page-pool-stats-get). */
export function pagePools(): KernelPagePool[] {
  const netdev = new GenericNetlink("netdev");
  try {
    const none = Buffer.alloc(0);
    const pools = netdev.request(NETDEV_CMD_PAGE_POOL_GET, none, true);
    const stats = new Map<number, Record<string, number>>();
    const dump = NETDEV_CMD_PAGE_POOL_STATS_GET;
    for (const one of netdev.request(dump, none, true)) {
      const info = attributesOf(one.get(STATS_INFO)!);
      const counts = STAT_NAMES.map(
        (name, i) => [name, numberOf(one.get(FIRST_STAT + i)) ?? 0] as const,
      );
      stats.set(numberOf(info.get(ID))!, Object.fromEntries(counts));
    }
    return pools.map((pool) => poolOf(pool, stats));
  } finally {
    netdev.close();
  }
}

function poolOf(
  pool: Map<number, Buffer>,
  stats: ReadonlyMap<number, Record<string, number>>,
): KernelPagePool {
  const id = numberOf(pool.get(ID))!;
  return {
    id,
    ifindex: numberOf(pool.get(IFINDEX)) ?? 0,
    inflight: numberOf(pool.get(INFLIGHT)) ?? 0,
    detachTime: numberOf(pool.get(DETACH_TIME)),
    provider: pool.has(DMABUF) ? "devmem" : pool.has(IO_URING) ? "zcrx" : null,
    stats: stats.get(id) ?? {},
  };
}

/** A netlink uint: 4 or 8 bytes, as the value needs. */
function numberOf(bytes: Buffer | undefined): number | null {
  if (bytes === undefined) return null;
  return bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUInt32LE();
}
