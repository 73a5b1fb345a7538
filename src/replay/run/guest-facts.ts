import type { NetmemRecord } from "../record/schema.js";

/** The variable by which the guest's agent says where this program runs. */
export const GUEST_VARIABLE = "NETMEM_GUEST";

/**
 * What is known of the virtual machine that this process runs in; null outside one. A guest's clock
 * is no measure of anything, so whoever makes a record asks here first.
 */
export function guestFacts(): NonNullable<NetmemRecord["guest"]> | null {
  const text = process.env[GUEST_VARIABLE];
  return text === undefined ? null : (JSON.parse(text) as NonNullable<NetmemRecord["guest"]>);
}
