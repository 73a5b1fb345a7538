import { VIRTIO_NET_HDR_F_NEEDS_CSUM } from "../sys/device.js";
import type { WirePacket } from "./injector.js";

const CHECKSUM_AT = 16;

/**
 * Writes a struct virtio_net_hdr. A trusted packet is one whose checksum "is still to be made" by a
 * NIC that it will never meet, so nobody looks at it (CHECKSUM_PARTIAL). `hdr_len` makes the
 * payload begin on a page of its own.
 *
 *      [flags u8][gso_type u8][hdr_len u16][gso_size u16][csum_start u16][csum_offset u16]
 */
export function writeVnetHeader(
  out: Uint8Array,
  at: number,
  packet: WirePacket,
  linkBytes: number,
): void {
  const start = linkBytes + packet.ipBytes;
  const header = linkBytes + packet.headerBytes;
  const { trusted } = packet;
  out[at] = trusted ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
  out[at + 1] = 0;
  out[at + 2] = header & 0xff;
  out[at + 3] = header >>> 8;
  out[at + 4] = 0;
  out[at + 5] = 0;
  out[at + 6] = trusted ? start & 0xff : 0;
  out[at + 7] = trusted ? start >>> 8 : 0;
  out[at + 8] = trusted ? CHECKSUM_AT : 0;
  out[at + 9] = 0;
}
