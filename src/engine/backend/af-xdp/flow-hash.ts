import type { Frame } from "../../wire/frame.js";

/**
 * What the descriptor of a NIC would bring as its RSS hash, and AF_XDP's does not: 16 bits of which
 * GRO takes its bucket. Ports and addresses are often numbered together, so that an exclusive or of
 * both would be the same for all flows; hence a multiplication between them.
 */
export function flowHash({ saddr, daddr, ports }: Frame): number {
  const addresses = Math.imul(saddr ^ daddr, 0x9e3779b1);
  return Math.imul(addresses ^ ports, 0x85ebca6b) >>> 16;
}
