import { EACCES, ENOENT, EPERM, errno, errnoName, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { TUNSETIFF } from "../sys/device.js";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../sys/socket.js";
import { Unavailable } from "../unavailable.js";
import { ifreq } from "./device.js";

const NODE = "/dev/net/tun";

/**
 * Makes a TUN or TAP interface; it goes when the descriptor closes. The descriptor never blocks,
 * which is also what lets the driver build an skb around a small frame without an extra copy.
 *
 * @throws Unavailable where the device node is absent or closed to this user.
 */
export function openTun(name: string, flags: number): number {
  const fd = libc().open(NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) throw refused(errno());
  const request = ifreq(name);
  request.writeUInt16LE(flags, 16);
  try {
    must(libc().ioctl(fd, TUNSETIFF, request), "TUNSETIFF");
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return fd;
}

function refused(code: number): Unavailable {
  const remedy =
    code === EACCES || code === EPERM
      ? `run as root, or chmod 0666 ${NODE}, or use kernel-tcp-mmap`
      : code === ENOENT
        ? `mkdir -p /dev/net && mknod ${NODE} c 10 200, or docker run --device ${NODE}`
        : "use a kernel with CONFIG_TUN";
  return new Unavailable("tun", `${NODE} cannot be opened (${errnoName(code)})`, remedy);
}
