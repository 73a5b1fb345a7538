import { setXsk } from "../bpf/program.js";
import { EOPNOTSUPP, errno, errnoName, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { AF_XDP, SOCK_CLOEXEC, SOCK_RAW } from "../sys/socket.js";
import {
  SOL_XDP,
  XDP_COPY,
  XDP_PGOFF_RX_RING,
  XDP_RX_RING,
  XDP_STATISTICS,
  XDP_UMEM_COMPLETION_RING,
  XDP_UMEM_FILL_RING,
  XDP_UMEM_PGOFF_FILL_RING,
  XDP_UMEM_REG,
  XDP_USE_SG,
  XDP_ZEROCOPY,
} from "../sys/xdp.js";
import { Unavailable } from "../unavailable.js";
import { ADDR_BYTES, DESC_BYTES, ringOffsets, SharedRing } from "./rings.js";

/** struct xdp_statistics, in order. */
const STATISTICS = [
  "rx_dropped",
  "rx_invalid_descs",
  "tx_invalid_descs",
  "rx_ring_full",
  "rx_fill_ring_empty_descs",
  "tx_ring_empty_descs",
] as const;
/** The completion ring must exist, and nothing is sent. */
const COMPLETIONS = 64;

/** struct pollfd: there is something to read. */
const POLLIN = 1;

/** Memory that the kernel writes frames into. */
export interface Umem {
  /** Address of its first byte, a multiple of the page size. */
  readonly address: number;
  readonly bytes: number;
  readonly chunkBytes: number;
}

/** Entries of the ring of frames, and of the ring of free chunks. */
export interface XskEntries {
  readonly rx: number;
  readonly fill: number;
}

/** The queue that a socket is bound to, and the map from which its program takes it. */
export interface XskPlace {
  readonly ifindex: number;
  readonly queue: number;
  readonly map: number;
}

/**
 * An AF_XDP socket that receives: a UMEM, the ring of free chunks that the kernel takes from, and
 * the ring of frames that it has written (net/xdp/xsk.c).
 *
 *      fill  [chunk][chunk] ...  ours -> kernel     rx  [addr | len | options] ...  kernel -> ours
 *                                      |             ^
 *                                      +--- UMEM ----+
 */
export class XskSocket {
  readonly fd: number;
  readonly fill: SharedRing;
  readonly rx: SharedRing;
  /** The kernel writes frames without a copy of its own (XDP_ZEROCOPY). */
  readonly zeroCopy: boolean;

  /**
   * @param entries of the rings, powers of two.
   * @throws Unavailable where the kernel has no AF_XDP, or the UMEM may not be pinned.
   */
  constructor(umem: Umem, entries: XskEntries, { ifindex, queue, map }: XskPlace) {
    this.fd = libc().socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (this.fd < 0) throw without(`no AF_XDP socket can be made (${errnoName(errno())})`);
    const rings: SharedRing[] = [];
    try {
      registerUmem(this.fd, umem);
      setSize(this.fd, XDP_UMEM_FILL_RING, entries.fill);
      setSize(this.fd, XDP_UMEM_COMPLETION_RING, COMPLETIONS);
      setSize(this.fd, XDP_RX_RING, entries.rx);
      const [rx, , fill] = ringOffsets(this.fd);
      const descs = { entries: entries.rx, entryBytes: DESC_BYTES };
      rings.push(new SharedRing(this.fd, XDP_PGOFF_RX_RING, rx!, descs));
      const chunks = { entries: entries.fill, entryBytes: ADDR_BYTES };
      rings.push(new SharedRing(this.fd, XDP_UMEM_PGOFF_FILL_RING, fill!, chunks));
      this.zeroCopy = bindBest(this.fd, ifindex, queue);
      setXsk(map, queue, this.fd);
    } catch (error) {
      for (const ring of rings) ring.release();
      libc().close(this.fd);
      throw error;
    }
    this.rx = rings[0]!;
    this.fill = rings[1]!;
  }

  /** Sleeps until a frame is on the RX ring, at most so long. */
  wait(ms: number): void {
    const request = Buffer.alloc(8);
    request.writeInt32LE(this.fd, 0);
    request.writeInt16LE(POLLIN, 4);
    libc().poll(request, 1, ms);
  }

  /** XDP_STATISTICS: the counters that are not zero. */
  statistics(): Record<string, number> {
    const answer = Buffer.alloc(STATISTICS.length * 8);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(answer.length);
    must(libc().getsockopt(this.fd, SOL_XDP, XDP_STATISTICS, answer, length), "XDP_STATISTICS");
    const counts = STATISTICS.map((name, i) => [name, Number(answer.readBigUInt64LE(i * 8))]);
    return Object.fromEntries(counts.filter(([, count]) => count !== 0));
  }

  /** The socket goes; the UMEM is no more the kernel's. */
  close(): void {
    libc().close(this.fd);
    this.fill.release();
    this.rx.release();
  }
}

/** struct xdp_umem_reg: [addr u64][len u64][chunk_size u32][headroom u32][flags u32] .... */
function registerUmem(fd: number, umem: Umem): void {
  const registration = Buffer.alloc(32);
  registration.writeBigUInt64LE(BigInt(umem.address), 0);
  registration.writeBigUInt64LE(BigInt(umem.bytes), 8);
  registration.writeUInt32LE(umem.chunkBytes, 16);
  if (libc().setsockopt(fd, SOL_XDP, XDP_UMEM_REG, registration, registration.length) === 0) return;
  throw without(`a UMEM of ${umem.bytes} bytes is refused (${errnoName(errno())})`);
}

function setSize(fd: number, ring: number, entries: number): void {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(entries);
  must(libc().setsockopt(fd, SOL_XDP, ring, size, size.length), "AF_XDP ring");
}

/** Binds without the kernel's copy where the driver can, else with it; whether without. */
function bindBest(fd: number, ifindex: number, queue: number): boolean {
  const bind = (flags: number) => {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_XDP, 0);
    address.writeUInt16LE(flags | XDP_USE_SG, 2);
    address.writeUInt32LE(ifindex, 4);
    address.writeUInt32LE(queue, 8);
    return libc().bind(fd, address, address.length);
  };
  if (bind(XDP_ZEROCOPY) === 0) return true;
  if (errno() !== EOPNOTSUPP) throw without(`a socket cannot be bound (${errnoName(errno())})`);
  if (bind(XDP_COPY) === 0) return false;
  throw without(`a socket cannot be bound in copy mode (${errnoName(errno())})`);
}

function without(what: string): Unavailable {
  const remedy =
    "run as root of a machine with CONFIG_XDP_SOCKETS; a UMEM counts against ulimit -l";
  return new Unavailable("af-xdp-copy", what, remedy);
}
