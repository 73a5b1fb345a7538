import { existsSync, readFileSync } from "node:fs";
import { EPERM, errno, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { addressOf, MAP_ANONYMOUS, MAP_PRIVATE, Mapping } from "../ffi/memory.js";
import { GenericNetlink } from "../net/genetlink.js";
import { inFirstUserNamespace } from "../net/namespace.js";
import { OTHER_FILES, openFileLimit } from "../sys/limits.js";
import { SYSCALL } from "../sys/syscalls.js";
import { Unavailable } from "../unavailable.js";
import type { Probe } from "./row.js";

const MAP_HUGETLB = 0x40000;
const HUGE_BYTES = 2 * 1024 * 1024;
const NETDEV_CMD_PAGE_POOL_GET = 5;
/** What the smallest UMEM of a useful size needs, with room for rings. */
const MEMLOCK_BYTES = 64 * 1024 * 1024;
const CAP_IPC_LOCK = 14n;
/** Sockets that many captures need. */
const FEW_SOCKETS = 1024;

/** Where tracefs may be. */
const TRACEFS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const EVENT = "events/page_pool/page_pool_state_hold/id";

/** perf_event_open of a tracepoint, which is also what counts holds and releases. */
function openTracepoint(id: number): number {
  const attr = Buffer.alloc(128);
  attr.writeUInt32LE(2, 0);
  attr.writeUInt32LE(128, 4);
  attr.writeBigUInt64LE(BigInt(id), 8);
  const call = SYSCALL.perf_event_open;
  return must(libc().syscall(call, addressOf(attr), -1, 0, -1, 8, 0), "perf_event_open");
}

/** Probes of memory, tracing and io_uring. */
export const MEMORY_PROBES: readonly Probe[] = [
  {
    capability: "page-pool-tracepoints",
    remedy: "run as root of the machine",
    run() {
      const root = TRACEFS.find((path) => existsSync(`${path}/${EVENT}`));
      if (root === undefined) {
        if (!existsSync(TRACEFS[0]!)) {
          const remedy = "use a kernel with CONFIG_FTRACE, and mount sysfs";
          throw new Unavailable("page-pool-tracepoints", "there is no tracefs", remedy);
        }
        return openHidden();
      }
      libc().close(openTracepoint(Number(readFileSync(`${root}/${EVENT}`, "utf8"))));
      return "holds can be counted";
    },
  },
  {
    capability: "page-pool-netlink",
    remedy: "use a kernel from 6.8 on",
    run() {
      const netdev = new GenericNetlink("netdev");
      try {
        const pools = netdev.request(NETDEV_CMD_PAGE_POOL_GET, Buffer.alloc(0), true);
        return `page-pool-get answers (${pools.length} pools in this namespace)`;
      } finally {
        netdev.close();
      }
    },
  },
  {
    capability: "huge-pages",
    remedy: "sysctl vm.nr_hugepages=64 (64 pages of 2 MiB)",
    run() {
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
      new Mapping({ bytes: HUGE_BYTES, flags }).release();
      return "a page of 2 MiB was mapped";
    },
  },
  {
    capability: "memlock",
    remedy: "ulimit -l unlimited, or run as root; af-xdp with --area 4MiB may do without",
    run: memlock,
  },
  {
    capability: "files",
    remedy: "ulimit -n 65536",
    run: openFiles,
  },
  {
    capability: "io-uring",
    remedy: "sysctl kernel.io_uring_disabled=0",
    run() {
      const params = Buffer.alloc(120);
      const made = libc().syscall(SYSCALL.io_uring_setup, 8, addressOf(params), 0, 0, 0, 0);
      libc().close(must(made, "io_uring_setup"));
      return "a ring was made";
    },
  },
];

/** Each direction of a connection has a socket; where not all may be open, they take turns. */
function openFiles(): string {
  const most = openFileLimit();
  const sockets = most - OTHER_FILES;
  const sentence = `${most} open files: ${sockets} sockets at a time`;
  if (sockets >= FEW_SOCKETS) return sentence;
  throw new Error(sentence);
}

function memlock(): string {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const status = readFileSync("/proc/self/status", "utf8");
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)![1]!;
  const effective = BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(status)![1]}`);
  const locks = ((effective >> CAP_IPC_LOCK) & 1n) === 1n;
  if (locks && inFirstUserNamespace()) return "no limit (CAP_IPC_LOCK)";
  if (soft === "unlimited") return "no limit";
  if (Number(soft) >= MEMLOCK_BYTES) return `${soft} bytes`;
  throw new Error(`${soft} bytes, and a UMEM of 64 MiB needs ${MEMLOCK_BYTES}`);
}

/** tracefs that is not mounted: mounted where only this process sees it, and read there. */
function openHidden(): string {
  const CLONE_NEWNS = 0x20000;
  const MS_REC_PRIVATE = 0x44000;
  if (libc().unshare(CLONE_NEWNS) !== 0) {
    const remedy = "run as root of the machine";
    const why = errno() === EPERM ? "it may not be mounted by this user" : "it cannot be mounted";
    throw new Unavailable("page-pool-tracepoints", `tracefs is not mounted, and ${why}`, remedy);
  }
  must(libc().mount("none", "/", "none", MS_REC_PRIVATE, 0), "mount private");
  must(libc().mount("nodev", TRACEFS[0]!, "tracefs", 0, 0), "mount tracefs");
  const path = `${TRACEFS[0]}/${EVENT}`;
  if (!existsSync(path)) throw new Error("the kernel has no page_pool tracepoints");
  libc().close(openTracepoint(Number(readFileSync(path, "utf8"))));
  return "holds can be counted (tracefs is mounted for the run)";
}
