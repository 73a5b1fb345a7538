import { libc } from "../ffi/libc.js";
import { setMtu, setQueueLength, setUp } from "../net/device.js";
import { openTun } from "../net/tun.js";
import { IFF_NO_PI, IFF_TUN, IFF_VNET_HDR, MAX_MTU, VNET_HDR_BYTES } from "../sys/device.js";
import type { Injector, WirePacket } from "./injector.js";
import { writeVnetHeader } from "./vnet-header.js";

/** What our sockets answer waits here for nobody; a short queue drops it soon. */
const QUEUE_PACKETS = 1;

/**
 * A TUN interface: a write puts one packet through the whole receive path, to its socket's queue,
 * before it returns.
 *
 *      write(fd) [virtio_net_hdr][IP packet] -> copy -> skb -> ip_rcv -> tcp_v4_rcv -> socket
 */
export class TunInjector implements Injector {
  readonly device = "nmtun0";
  readonly copies = 1;
  readonly asynchronous = false;
  refused = 0;
  readonly #fd: number;

  /** @throws Unavailable where /dev/net/tun cannot be used. */
  constructor() {
    this.#fd = openTun(this.device, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
    setMtu(this.device, MAX_MTU);
    setQueueLength(this.device, QUEUE_PACKETS);
    setUp(this.device);
  }

  inject(packet: WirePacket): void {
    const { memory, bytes } = packet;
    const at = packet.at - VNET_HDR_BYTES;
    writeVnetHeader(memory.bytes, at, packet, 0);
    const len = VNET_HDR_BYTES + bytes;
    if (libc().write(this.#fd, memory.at(at, len), len) !== len) this.refused++;
  }

  flush(): void {}

  close(): void {
    libc().close(this.#fd);
  }
}
