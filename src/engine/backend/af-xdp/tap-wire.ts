import { libc } from "../ffi/libc.js";
import { interfaceIndex, setMtu, setUp } from "../net/device.js";
import { openTun } from "../net/tun.js";
import { XDP_FLAGS_DRV_MODE } from "../sys/bpf.js";
import { IFF_NO_PI, IFF_NOARP, IFF_TAP } from "../sys/device.js";
import { XdpAttachment, type XdpWire } from "./xdp-wire.js";

/** The largest MTU of a TAP interface: an IP packet behind an Ethernet header. */
const TAP_MAX_MTU = 65521;

/**
 * A TAP interface whose XDP program sends every frame to the socket in its map. A write runs the
 * program before it returns, so that the frame is in the UMEM, or dropped, by then.
 *
 *      write(fd) [frame] -> copy -> page -> XDP: bpf_redirect_map -> copy -> UMEM chunk, RX ring
 */
export class TapWire implements XdpWire {
  readonly device: string;
  readonly ifindex: number;
  readonly queue = 0;
  readonly synchronous = true;
  readonly note = "injection: write() to TAP copies each frame, as the capture has it, into a page";
  readonly #fd: number;
  readonly #write = libc().write;
  readonly #xdp: XdpAttachment;

  /** @throws Unavailable where TAP cannot be used, or programs not be loaded. */
  constructor(name: string) {
    this.device = name;
    this.#fd = openTun(name, IFF_TAP | IFF_NO_PI);
    let xdp: XdpAttachment | null = null;
    try {
      setMtu(name, TAP_MAX_MTU);
      this.ifindex = interfaceIndex(name);
      xdp = new XdpAttachment(this.ifindex, 1, XDP_FLAGS_DRV_MODE);
      setUp(name, IFF_NOARP);
    } catch (error) {
      libc().close(this.#fd);
      xdp?.close();
      throw error;
    }
    this.#xdp = xdp;
  }

  get map(): number {
    return this.#xdp.map;
  }

  send(address: number, len: number): boolean {
    return this.#write(this.#fd, address, len) === len;
  }

  /** The interface goes, which unbinds the socket and detaches the program. */
  close(): void {
    libc().close(this.#fd);
    this.#xdp.close();
  }
}
