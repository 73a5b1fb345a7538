import type { Frame } from "../../wire/frame.js";
import { EXT_HOP_BY_HOP, extensionBytes, jumboLength } from "../../wire/ip-options.js";

const IPV6_HEADER_BYTES = 40;
const NEXT_HEADER_AT = 6;

/**
 * Takes the hop-by-hop header off a jumbogram (RFC 2675; BIG TCP), in place, as Linux does before
 * it splits one (include/net/ipv6.h: ipv6_hopopt_jumbo_remove). A packet that says its length in
 * the IPv6 header must not say another there, and no packet of the run's wire is that long.
 *
 *      [IPv6 header][hop-by-hop][TCP ...      l3 moves up
 *                  [IPv6 header][TCP ...
 *
 * The TCP checksum covers nothing of it.
 */
export function takeOffJumbo(view: DataView, frame: Frame): void {
  const { l3, l4 } = frame;
  const hop = l3 + IPV6_HEADER_BYTES;
  if (l4 === hop || view.getUint8(l3 + NEXT_HEADER_AT) !== EXT_HOP_BY_HOP) return;
  if (jumboLength(view, hop) === 0) return;
  const bytes = extensionBytes(view, hop);
  const next = view.getUint8(hop);
  const packet = new Uint8Array(view.buffer, view.byteOffset + l3, IPV6_HEADER_BYTES + bytes);
  packet.copyWithin(bytes, 0, IPV6_HEADER_BYTES);
  frame.l3 += bytes;
  view.setUint8(frame.l3 + NEXT_HEADER_AT, next);
}
