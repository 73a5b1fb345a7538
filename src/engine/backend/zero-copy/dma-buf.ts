import { errno, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { addressOf, MAP_SHARED, Mapping } from "../ffi/memory.js";
import * as dm from "../sys/devmem.js";
import { O_CLOEXEC, O_RDWR } from "../sys/socket.js";
import { SYSCALL } from "../sys/syscalls.js";
import { Unavailable } from "../unavailable.js";

const EXPORTER = "/dev/udmabuf";

/**
 * A dma-buf of ordinary memory (udmabuf): what stands in for a GPU's where there is none.
 *
 *      memfd --seal, export--> dma-buf -> the NIC writes here      mapped: read here
 */
export class DmaBuf {
  readonly fd: number;
  readonly memory: Mapping;
  readonly #memfd: number;

  /** @throws Unavailable where the exporter is missing or closed to this user. */
  constructor(bytes: number) {
    const exporter = libc().open(EXPORTER, O_RDWR | O_CLOEXEC, 0);
    if (exporter < 0) throw noExporter(errno());
    const name = Buffer.from("netmem\0");
    const memfd = libc().syscall(
      SYSCALL.memfd_create,
      addressOf(name),
      dm.MFD_ALLOW_SEALING,
      0,
      0,
      0,
      0,
    );
    this.#memfd = must(memfd, "memfd_create");
    must(libc().syscall(SYSCALL.ftruncate, this.#memfd, bytes, 0, 0, 0, 0), "ftruncate");
    const seal = [dm.F_ADD_SEALS, dm.F_SEAL_SHRINK] as const;
    must(libc().syscall(SYSCALL.fcntl, this.#memfd, ...seal, 0, 0, 0), "F_ADD_SEALS");
    // struct udmabuf_create: memfd, flags, offset, size
    const request = Buffer.alloc(24);
    request.writeInt32LE(this.#memfd, 0);
    request.writeUInt32LE(dm.UDMABUF_FLAGS_CLOEXEC, 4);
    request.writeBigUInt64LE(BigInt(bytes), 16);
    this.fd = must(libc().ioctl(exporter, dm.UDMABUF_CREATE, request), "UDMABUF_CREATE");
    libc().close(exporter);
    this.memory = new Mapping({ bytes, flags: MAP_SHARED, fd: this.#memfd });
  }

  close(): void {
    libc().close(this.fd);
    libc().close(this.#memfd);
    this.memory.release();
  }
}

function noExporter(code: number): Unavailable {
  const remedy =
    code === 2
      ? "use a kernel with CONFIG_UDMABUF, or netmem vm"
      : `run as root, or open ${EXPORTER}`;
  return new Unavailable("kernel-devmem", `${EXPORTER} cannot be opened (errno ${code})`, remedy);
}
