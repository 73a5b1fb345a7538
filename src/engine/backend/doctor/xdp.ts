import { attachXdp, createXskMap, loadXdp, passProgram } from "../bpf/program.js";
import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Mapping } from "../ffi/memory.js";
import { interfaceIndex, setUp } from "../net/device.js";
import { createVeth, deleteLink } from "../net/veth.js";
import { XDP_FLAGS_DRV_MODE } from "../sys/bpf.js";
import { AF_XDP, SOCK_CLOEXEC, SOCK_RAW } from "../sys/socket.js";
import {
  SOL_XDP,
  XDP_COPY,
  XDP_RX_RING,
  XDP_UMEM_COMPLETION_RING,
  XDP_UMEM_FILL_RING,
  XDP_UMEM_REG,
  XDP_ZEROCOPY,
} from "../sys/xdp.js";
import type { Probe } from "./row.js";

const FRAMES = 64;
const FRAME_BYTES = 4096;
const RING = 64;

/** Binds an AF_XDP socket to one end of a veth pair. */
function bindXsk(flags: number): void {
  createVeth("nmdoc0", "nmdoc1", 1500);
  const umem = new Mapping({ bytes: FRAMES * FRAME_BYTES });
  const fd = must(libc().socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), "socket(AF_XDP)");
  try {
    setUp("nmdoc0");
    setUp("nmdoc1");
    const registration = Buffer.alloc(32);
    registration.writeBigUInt64LE(BigInt(umem.address), 0);
    registration.writeBigUInt64LE(BigInt(umem.size), 8);
    registration.writeUInt32LE(FRAME_BYTES, 16);
    must(libc().setsockopt(fd, SOL_XDP, XDP_UMEM_REG, registration, 32), "XDP_UMEM_REG");
    const size = Buffer.alloc(4);
    size.writeUInt32LE(RING);
    for (const ring of [XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING]) {
      must(libc().setsockopt(fd, SOL_XDP, ring, size, 4), "AF_XDP ring");
    }
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_XDP, 0);
    address.writeUInt16LE(flags, 2);
    address.writeUInt32LE(interfaceIndex("nmdoc1"), 4);
    must(libc().bind(fd, address, 16), "bind(AF_XDP)");
  } finally {
    libc().close(fd);
    umem.release();
    deleteLink("nmdoc0");
  }
}

/** Probes of BPF and AF_XDP, in a fresh network namespace. */
export const XDP_PROBES: readonly Probe[] = [
  {
    capability: "bpf",
    remedy: "run as root of the machine",
    run() {
      libc().close(createXskMap(1));
      createVeth("nmdoc0", "nmdoc1", 1500);
      try {
        const program = loadXdp(passProgram(), true);
        const link = attachXdp(program, interfaceIndex("nmdoc1"), XDP_FLAGS_DRV_MODE);
        libc().close(link);
        libc().close(program);
      } finally {
        deleteLink("nmdoc0");
      }
      return "an XDP program was loaded and attached in driver mode";
    },
  },
  {
    capability: "af-xdp-copy",
    remedy: "use a kernel with CONFIG_XDP_SOCKETS; a UMEM counts against ulimit -l",
    run() {
      bindXsk(XDP_COPY);
      return "a socket was bound in copy mode";
    },
  },
  {
    capability: "af-xdp-zero-copy",
    remedy: "a NIC may have it: rows af-xdp-zero-copy:NAME, and --interface",
    run() {
      bindXsk(XDP_ZEROCOPY);
      return "a socket was bound in zero-copy mode";
    },
  },
];
