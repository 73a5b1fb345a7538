import { hardwareAddress, setUp } from "../net/device.js";
import { createVeth, deleteLink } from "../net/veth.js";
import { IFF_NOARP, MAX_MTU } from "../sys/device.js";
import type { Injector, WirePacket } from "./injector.js";
import { PacketRing } from "./packet-ring.js";

const NEAR = "nmveth0";
const FAR = "nmveth1";

/**
 * A veth pair, fed from a packet socket's TX ring.
 *
 *      ring slot -> skb with the slot's pages -> veth: skb_copy_ubufs, into pages of the skb's own
 *                -> far end -> ip_rcv -> tcp_v4_rcv -> socket
 *
 * That one copy stands for a NIC's DMA; what it leaves are single pages, payload at their start,
 * which a socket can map. Neither end has an address or asks for one (NOARP): what the sockets
 * answer goes back with the wrong hardware address, and is dropped.
 */
export class VethInjector implements Injector {
  readonly device = FAR;
  readonly copies = 2;
  readonly asynchronous = true;
  readonly #ring: PacketRing;

  /**
   * @param prepare called with the far end's name before it is set up, for an XDP program.
   * @throws Unavailable where there is no veth.
   */
  constructor(mtu: number = MAX_MTU, prepare?: (device: string) => void) {
    createVeth(NEAR, FAR, mtu);
    prepare?.(FAR);
    setUp(FAR, IFF_NOARP);
    setUp(NEAR, IFF_NOARP);
    this.#ring = new PacketRing(NEAR, hardwareAddress(FAR));
  }

  get refused(): number {
    return this.#ring.refused;
  }

  inject(packet: WirePacket): void {
    this.#ring.put(packet);
  }

  flush(): void {
    this.#ring.kick();
  }

  close(): void {
    this.#ring.close();
    deleteLink(NEAR);
  }
}
