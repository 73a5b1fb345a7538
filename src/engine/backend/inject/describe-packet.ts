import type { Frame } from "../../wire/frame.js";
import type { Mapping } from "../ffi/memory.js";
import type { WirePacket } from "./injector.js";

/**
 * Describes a TCP segment that was made fit for its socket: `bytes` of IP packet in `memory`. What
 * the capture cut was whole where its checksum was looked at, and is taken as it is.
 */
export function describePacket(
  packet: WirePacket,
  memory: Mapping,
  frame: Frame,
  bytes: number,
  verify: boolean,
): void {
  packet.memory = memory;
  packet.at = frame.l3;
  packet.bytes = bytes;
  packet.ipBytes = frame.l4 - frame.l3;
  packet.headerBytes = frame.payload - frame.l3;
  packet.v6 = frame.version === 6;
  packet.trusted = !verify || frame.cutBytes > 0;
}
