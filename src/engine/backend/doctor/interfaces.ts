import { existsSync, readdirSync } from "node:fs";
import { ENOENT, EPERM, errno, errnoName, SystemError } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { addressOf, Mapping } from "../ffi/memory.js";
import { interfaceIndex } from "../net/device.js";
import { GenericNetlink } from "../net/genetlink.js";
import { attribute, attribute32 } from "../net/netlink.js";
import {
  NETDEV_A_DMABUF_FD,
  NETDEV_A_DMABUF_IFINDEX,
  NETDEV_A_DMABUF_QUEUES,
  NETDEV_A_QUEUE_ID,
  NETDEV_A_QUEUE_TYPE,
  NETDEV_CMD_BIND_RX,
  NETDEV_QUEUE_TYPE_RX,
} from "../sys/devmem.js";
import {
  IORING_MEM_REGION_TYPE_USER,
  IORING_REGISTER_ZCRX_IFQ,
  IORING_SETUP_CQE32,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_SINGLE_ISSUER,
} from "../sys/io-uring.js";
import { NLA_F_NESTED } from "../sys/netlink.js";
import { SYSCALL } from "../sys/syscalls.js";
import type { DoctorRow } from "./row.js";

const EBADF = 9;
const ERANGE = 34;
/** A queue that no interface has: a registration for it is refused and changes nothing. */
const NO_QUEUE = 0xffff;
const NO_DMABUF = 0x7ffffff0;

const AREA_BYTES = 65536;

/** Attributes of dev-get, and the XDP features by bit (include/uapi/linux/netdev.h). */
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
const XDP_FEATURES = [
  "basic",
  "redirect",
  "ndo-xmit",
  "xsk-zerocopy",
  "hw-offload",
  "rx-sg",
  "ndo-xmit-sg",
] as const;

const ETHTOOL_MSG_RINGS_GET = 15;
const ETHTOOL_A_RINGS_TCP_DATA_SPLIT = 11;

/** The interfaces of the namespace that sysfs shows: the host's, before any other is entered. */
export function interfaceNames(): string[] {
  return namesIn("/sys/class/net").filter((name) => interfaceIndex(name) > 0);
}

/** What a folder has; nothing where there is no such folder, as in a container without sysfs. */
function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/**
 * What an interface offers to AF_XDP, to io_uring zero copy receive and to devmem TCP. Both
 * registrations are tried for a queue, and with a dma-buf, that do not exist: the kernel's errno
 * says how far it got, and nothing changes.
 */
export function interfaceRows(name: string): DoctorRow[] {
  const index = interfaceIndex(name);
  const features = xdpFeatures(index);
  const split = headerSplit(index);
  const zcrx = tryZcrx(index);
  const devmem = tryDevmem(index);
  const managed = zcrx === ERANGE;
  return [
    row(
      `af-xdp-zero-copy:${name}`,
      features.includes("xsk-zerocopy"),
      `XDP features: ${features}`,
      XDP_NIC_REMEDY,
    ),
    row(`zcrx:${name}`, managed, `IORING_REGISTER_ZCRX_IFQ: ${named(zcrx)}`, remedyFor(zcrx)),
    row(
      `devmem:${name}`,
      managed && devmem === EBADF,
      `NETDEV_CMD_BIND_RX: ${named(devmem)}`,
      remedyFor(devmem),
    ),
    row(
      `header-split:${name}`,
      split === "on",
      `tcp-data-split: ${split}`,
      split === "off" || split === "auto" ? `ethtool -G ${name} tcp-data-split on` : NIC_REMEDY,
    ),
  ];
}

/** Where dma-bufs could come from, for devmem. */
export function dmabufRow(): DoctorRow {
  const nodes = namesIn("/dev").filter((name) => name === "udmabuf" || name === "dri");
  const found = [...nodes, ...namesIn("/dev/dma_heap").map((name) => `dma_heap/${name}`)];
  const detail = found.length > 0 ? found.map((name) => `/dev/${name}`).join(", ") : "none in /dev";
  const remedy = "a kernel with CONFIG_UDMABUF or CONFIG_DMABUF_HEAPS, or a GPU";
  return row("dma-buf", found.length > 0, detail, remedy);
}

const XDP_NIC_REMEDY = "a NIC whose driver has it (ice, i40e, mlx5, virtio_net)";
const NIC_REMEDY = "a NIC with queue management ops (fbnic, bnxt, gve, mlx5)";

/** Who may not even ask does not learn what the interface has. */
function remedyFor(code: number): string {
  return code === EPERM ? "run as root of the machine, which may ask" : NIC_REMEDY;
}

function row(capability: string, available: boolean, detail: string, remedy: string): DoctorRow {
  return { capability, available, detail, remedy: available ? null : remedy };
}

function named(code: number): string {
  if (code === ERANGE || code === EBADF) return `${errnoName(code)} (as wanted: it got so far)`;
  return code === 0 ? "no error" : errnoName(code);
}

/** What XDP can do at an interface, as netlink tells it, or why it does not. */
function xdpFeatures(index: number): string {
  let bits = 0n;
  const code = errnoOf("netdev", (netdev) => {
    const [device] = netdev.request(NETDEV_CMD_DEV_GET, attribute32(NETDEV_A_DEV_IFINDEX, index));
    bits = device?.get(NETDEV_A_DEV_XDP_FEATURES)?.readBigUInt64LE() ?? 0n;
  });
  if (code !== 0) return errnoName(code);
  const names = XDP_FEATURES.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n);
  return names.length > 0 ? names.join(", ") : "none";
}

/** Errno of registering a zcrx interface queue that does not exist. */
function tryZcrx(index: number): number {
  const params = Buffer.alloc(120);
  params.writeUInt32LE(
    IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    8,
  );
  const ring = libc().syscall(SYSCALL.io_uring_setup, 8, addressOf(params), 0, 0, 0, 0);
  if (ring < 0) return errno();
  const memory = new Mapping({ bytes: 2 * AREA_BYTES });
  try {
    const region = Buffer.alloc(64);
    region.writeBigUInt64LE(BigInt(memory.at(0, AREA_BYTES)), 0);
    region.writeBigUInt64LE(BigInt(AREA_BYTES), 8);
    region.writeUInt32LE(IORING_MEM_REGION_TYPE_USER, 16);
    const area = Buffer.alloc(48);
    area.writeBigUInt64LE(BigInt(memory.at(AREA_BYTES, AREA_BYTES)), 0);
    area.writeBigUInt64LE(BigInt(AREA_BYTES), 8);
    const request = Buffer.alloc(96);
    request.writeUInt32LE(index, 0);
    request.writeUInt32LE(NO_QUEUE, 4);
    request.writeUInt32LE(64, 8);
    request.writeBigUInt64LE(BigInt(addressOf(area)), 16);
    request.writeBigUInt64LE(BigInt(addressOf(region)), 24);
    const call = SYSCALL.io_uring_register;
    const done = libc().syscall(call, ring, IORING_REGISTER_ZCRX_IFQ, addressOf(request), 1, 0, 0);
    return done < 0 ? errno() : 0;
  } finally {
    libc().close(ring);
    memory.release();
  }
}

/** Errno of binding a dma-buf that does not exist. */
function tryDevmem(index: number): number {
  const queue = Buffer.concat([
    attribute32(NETDEV_A_QUEUE_ID, NO_QUEUE),
    attribute32(NETDEV_A_QUEUE_TYPE, NETDEV_QUEUE_TYPE_RX),
  ]);
  const request = Buffer.concat([
    attribute32(NETDEV_A_DMABUF_IFINDEX, index),
    attribute(NETDEV_A_DMABUF_QUEUES | NLA_F_NESTED, queue),
    attribute32(NETDEV_A_DMABUF_FD, NO_DMABUF),
  ]);
  return errnoOf("netdev", (netdev) => netdev.request(NETDEV_CMD_BIND_RX, request));
}

/** The interface's header/data split: `on`, `off`, `auto`, or what ethtool answered. */
function headerSplit(index: number): string {
  const header = attribute(1 | NLA_F_NESTED, attribute32(1, index));
  let value = -1;
  const code = errnoOf("ethtool", (ethtool) => {
    const [rings] = ethtool.request(ETHTOOL_MSG_RINGS_GET, header);
    value = rings?.get(ETHTOOL_A_RINGS_TCP_DATA_SPLIT)?.[0] ?? -1;
  });
  if (code !== 0) return errnoName(code);
  return ["auto", "off", "on"][value] ?? "not offered";
}

function errnoOf(family: string, ask: (netlink: GenericNetlink) => void): number {
  let netlink: GenericNetlink | null = null;
  try {
    netlink = new GenericNetlink(family);
    ask(netlink);
    return 0;
  } catch (error) {
    return error instanceof SystemError ? error.errno : ENOENT;
  } finally {
    netlink?.close();
  }
}
