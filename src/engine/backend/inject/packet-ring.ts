import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { MAP_SHARED, Mapping } from "../ffi/memory.js";
import { bindPacketSocket, openPacketSocket } from "../net/packet-socket.js";
import { VNET_HDR_BYTES } from "../sys/device.js";
import {
  ETH_HLEN,
  ETH_P_IP,
  ETH_P_IPV6,
  PACKET_QDISC_BYPASS,
  PACKET_TX_HAS_OFF,
  PACKET_TX_RING,
  PACKET_VERSION,
  PACKET_VNET_HDR,
  SOL_PACKET,
  TP_STATUS_AVAILABLE,
  TP_STATUS_SEND_REQUEST,
  TP_STATUS_WRONG_FORMAT,
  TPACKET_V2,
} from "../sys/packet.js";
import { MSG_DONTWAIT } from "../sys/socket.js";
import type { WirePacket } from "./injector.js";
import { writeVnetHeader } from "./vnet-header.js";

/** A slot holds the longest IP packet and all headers. */
const SLOT_BYTES = 128 * 1024;
const SLOTS = 64;
/** Where the frame begins in its slot, behind struct tpacket2_hdr. */
const DATA_AT = 64;
const TP_LEN_WORD = 1;
const TP_MAC_HALF = 6;

/**
 * The TX ring of a packet socket: frames are written into memory that the kernel sends from.
 *
 *      slot [tp_status u32][tp_len u32] ... [tp_mac u16] ... | [virtio_net_hdr][Ethernet][IP ...]
 *      0 free -> 1 send it -> (kernel) -> 0 free                ^ DATA_AT
 */
export class PacketRing {
  /** Frames that the kernel would not send. */
  refused = 0;
  readonly #fd: number;
  readonly #ring: Mapping;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #mac: Uint8Array;
  #slot = 0;
  #waiting = 0;

  /** @param to hardware address of the frames' receiver. */
  constructor(device: string, to: Uint8Array) {
    this.#fd = openPacketSocket();
    this.#set(PACKET_VERSION, [TPACKET_V2], "PACKET_VERSION");
    this.#set(PACKET_VNET_HDR, [1], "PACKET_VNET_HDR");
    this.#set(PACKET_TX_HAS_OFF, [1], "PACKET_TX_HAS_OFF");
    this.#set(PACKET_QDISC_BYPASS, [1], "PACKET_QDISC_BYPASS");
    this.#set(PACKET_TX_RING, [SLOT_BYTES, SLOTS, SLOT_BYTES, SLOTS], "PACKET_TX_RING");
    this.#ring = new Mapping({ bytes: SLOTS * SLOT_BYTES, flags: MAP_SHARED, fd: this.#fd });
    const { buffer, byteOffset, byteLength } = this.#ring.bytes;
    this.#words = new Int32Array(buffer, byteOffset, byteLength >> 2);
    this.#halves = new Uint16Array(buffer, byteOffset, byteLength >> 1);
    bindPacketSocket(this.#fd, device);
    this.#mac = to;
  }

  /** Writes a packet into the next slot; it goes out with the next {@link kick}. */
  put(packet: WirePacket): void {
    const slot = this.#slot * SLOT_BYTES;
    if (this.#status(slot) !== TP_STATUS_AVAILABLE) this.kick();
    const { bytes } = this.#ring;
    const link = slot + DATA_AT + VNET_HDR_BYTES;
    writeVnetHeader(bytes, slot + DATA_AT, packet, ETH_HLEN);
    bytes.set(this.#mac, link);
    bytes.set(this.#mac, link + 6);
    const type = packet.v6 ? ETH_P_IPV6 : ETH_P_IP;
    bytes[link + 12] = type >>> 8;
    bytes[link + 13] = type & 0xff;
    const from = packet.memory.bytes;
    bytes.set(from.subarray(packet.at, packet.at + packet.bytes), link + ETH_HLEN);
    this.#words[(slot >> 2) + TP_LEN_WORD] = VNET_HDR_BYTES + ETH_HLEN + packet.bytes;
    this.#halves[(slot >> 1) + TP_MAC_HALF] = DATA_AT;
    Atomics.store(this.#words, slot >> 2, TP_STATUS_SEND_REQUEST);
    this.#slot = (this.#slot + 1) % SLOTS;
    if (++this.#waiting === SLOTS) this.kick();
  }

  /** Sends what waits, and waits until the kernel has taken it off the ring. */
  kick(): void {
    if (this.#waiting === 0) return;
    const first = (this.#slot + SLOTS - this.#waiting) % SLOTS;
    for (let i = 0; i < this.#waiting; ) {
      const slot = ((first + i) % SLOTS) * SLOT_BYTES;
      const status = this.#status(slot);
      if (status === TP_STATUS_AVAILABLE) i++;
      else if ((status & TP_STATUS_WRONG_FORMAT) !== 0) {
        this.refused++;
        Atomics.store(this.#words, slot >> 2, TP_STATUS_AVAILABLE);
        i++;
      } else libc().sendto(this.#fd, 0, 0, MSG_DONTWAIT, 0, 0);
    }
    this.#waiting = 0;
  }

  close(): void {
    libc().close(this.#fd);
    this.#ring.release();
  }

  #status(slot: number): number {
    return Atomics.load(this.#words, slot >> 2);
  }

  #set(option: number, values: readonly number[], what: string): void {
    const words = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => {
      words.writeUInt32LE(value, i * 4);
    });
    must(libc().setsockopt(this.#fd, SOL_PACKET, option, words, words.length), what);
  }
}
