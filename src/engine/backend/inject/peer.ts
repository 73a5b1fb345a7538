import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { hardwareAddress, mtuOf, setUp } from "../net/device.js";
import { bindPacketSocket, openPacketSocket } from "../net/packet-socket.js";
import { VNET_HDR_BYTES } from "../sys/device.js";
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6, PACKET_VNET_HDR, SOL_PACKET } from "../sys/packet.js";
import type { Injector, WirePacket } from "./injector.js";
import { splitSegment } from "./split.js";
import { writeVnetHeader } from "./vnet-header.js";

/**
 * A port that is wired to the device under test: frames leave here and arrive there.
 *
 *      packet socket [virtio_net_hdr][Ethernet][IP packet] -> peer ~ wire ~> device's RX queue
 */
export class PeerInjector implements Injector {
  readonly device: string;
  readonly copies = 1;
  readonly asynchronous = true;
  refused = 0;
  /** Segments that no frame of the ports can hold, and that went out in parts. */
  split = 0;
  readonly #fd: number;
  readonly #mtu: number;
  /** Ethernet headers: to the device, from the peer, for IPv4 and IPv6. */
  readonly #ethernet4: Buffer;
  readonly #ethernet6: Buffer;

  /** Both interfaces must be in this namespace; they are set up. */
  constructor(device: string, peer: string) {
    this.device = device;
    for (const name of [device, peer]) setUp(name);
    this.#mtu = Math.min(mtuOf(device), mtuOf(peer));
    const addresses = Buffer.concat([hardwareAddress(device), hardwareAddress(peer)]);
    this.#ethernet4 = Buffer.concat([addresses, etherType(ETH_P_IP)]);
    this.#ethernet6 = Buffer.concat([addresses, etherType(ETH_P_IPV6)]);
    this.#fd = openPacketSocket();
    const on = Buffer.from([1, 0, 0, 0]);
    must(libc().setsockopt(this.#fd, SOL_PACKET, PACKET_VNET_HDR, on, 4), "PACKET_VNET_HDR");
    bindPacketSocket(this.#fd, peer);
  }

  inject(packet: WirePacket): void {
    if (packet.bytes <= this.#mtu) this.#write(packet);
    else {
      this.split++;
      splitSegment(packet, this.#mtu, (part) => this.#write(part));
    }
  }

  flush(): void {}

  close(): void {
    libc().close(this.#fd);
  }

  #write(packet: WirePacket): void {
    const { memory, bytes } = packet;
    const ethernetAt = packet.at - ETH_HLEN;
    const at = ethernetAt - VNET_HDR_BYTES;
    memory.bytes.set(packet.v6 ? this.#ethernet6 : this.#ethernet4, ethernetAt);
    writeVnetHeader(memory.bytes, at, packet, ETH_HLEN);
    const len = VNET_HDR_BYTES + ETH_HLEN + bytes;
    if (libc().write(this.#fd, memory.at(at, len), len) !== len) this.refused++;
  }
}

function etherType(type: number): Buffer {
  return Buffer.from([type >> 8, type & 0xff]);
}
