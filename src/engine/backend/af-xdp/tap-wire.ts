import { attachXdp, createXskMap, loadXdp, redirectProgram } from "../bpf/program.js";
import { libc } from "../ffi/libc.js";
import { interfaceIndex, setMtu, setUp } from "../net/device.js";
import { openTun } from "../net/tun.js";
import { XDP_FLAGS_DRV_MODE } from "../sys/bpf.js";
import { IFF_NO_PI, IFF_NOARP, IFF_TAP } from "../sys/device.js";

/** The largest MTU of a TAP interface: an IP packet behind an Ethernet header. */
const TAP_MAX_MTU = 65521;

/**
 * A TAP interface whose XDP program sends every frame to the socket in its map. A write runs the
 * program before it returns, so that the frame is in the UMEM, or dropped, by then.
 *
 *      write(fd) [frame] -> copy -> page -> XDP: bpf_redirect_map -> copy -> UMEM chunk, RX ring
 */
export class TapWire {
  readonly ifindex: number;
  /** The map that the socket goes into. */
  readonly map: number;
  readonly #fd: number;
  readonly #link: number;

  /** @throws Unavailable where TAP cannot be used, or programs not be loaded. */
  constructor(name: string) {
    this.#fd = openTun(name, IFF_TAP | IFF_NO_PI);
    let map = -1;
    let program = -1;
    try {
      setMtu(name, TAP_MAX_MTU);
      this.ifindex = interfaceIndex(name);
      map = createXskMap(1);
      program = loadXdp(redirectProgram(map), true);
      this.#link = attachXdp(program, this.ifindex, XDP_FLAGS_DRV_MODE);
      setUp(name, IFF_NOARP);
      this.map = map;
    } catch (error) {
      if (map >= 0) libc().close(map);
      libc().close(this.#fd);
      throw error;
    } finally {
      if (program >= 0) libc().close(program);
    }
  }

  /** Writes the `len` bytes at `address`; false where the kernel does not take them. */
  send(address: number, len: number): boolean {
    return libc().write(this.#fd, address, len) === len;
  }

  /** The interface goes, which unbinds the socket and detaches the program. */
  close(): void {
    libc().close(this.#fd);
    libc().close(this.#link);
    libc().close(this.map);
  }
}
