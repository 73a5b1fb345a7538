import { SystemError } from "../ffi/errno.js";
import { interfaceIndex } from "../net/device.js";
import { GenericNetlink } from "../net/genetlink.js";
import { attribute, attribute32 } from "../net/netlink.js";
import * as dm from "../sys/devmem.js";
import { NLA_F_NESTED } from "../sys/netlink.js";
import type { DmaBuf } from "./dma-buf.js";
import type { ZeroCopyLink } from "./link.js";
import { refusedProvider } from "./refusals.js";

/**
 * A dma-buf bound to a device queue (net/core/devmem.c, net_devmem_bind_dmabuf). It lasts as long
 * as the netlink socket; tokens that are out when that closes are given back with the sockets.
 */
export class DmaBufBinding {
  readonly id: number;
  readonly #netdev: GenericNetlink;

  /** @throws Unavailable where the kernel refuses, with its errno and what to do about it. */
  constructor(link: ZeroCopyLink, dmaBuf: DmaBuf) {
    this.#netdev = new GenericNetlink("netdev");
    const queue = Buffer.concat([
      attribute32(dm.NETDEV_A_QUEUE_ID, link.queue),
      attribute32(dm.NETDEV_A_QUEUE_TYPE, dm.NETDEV_QUEUE_TYPE_RX),
    ]);
    const attributes = Buffer.concat([
      attribute32(dm.NETDEV_A_DMABUF_IFINDEX, interfaceIndex(link.interface)),
      attribute(dm.NETDEV_A_DMABUF_QUEUES | NLA_F_NESTED, queue),
      attribute32(dm.NETDEV_A_DMABUF_FD, dmaBuf.fd),
    ]);
    try {
      const [answer] = this.#netdev.request(dm.NETDEV_CMD_BIND_RX, attributes);
      this.id = answer!.get(dm.NETDEV_A_DMABUF_ID)!.readUInt32LE();
    } catch (error) {
      this.#netdev.close();
      if (!(error instanceof SystemError)) throw error;
      const where = `${link.interface} queue ${link.queue}`;
      throw refusedProvider("kernel-devmem", `bind-rx on ${where}`, error.errno, error.words);
    }
  }

  close(): void {
    this.#netdev.close();
  }
}
