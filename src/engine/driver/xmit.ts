import { InvariantViolation } from "../ledger/invariant.js";
import type { Counters } from "../probe/counters.js";
import { dropIndex } from "../probe/drop-reasons.js";
import {
  FR_NETMEM,
  FR_WORDS,
  SK_FLAGS,
  SK_FRAG_HEAD,
  SK_WORDS,
  SKF_UNREADABLE,
  type SkbSlab,
} from "../skb/skb-slab.js";

const UNREADABLE = dropIndex("SKB_UNREADABLE");

/** A device that an skb is forwarded to. */
export interface XmitDevice {
  /** netmem_tx: it can send memory that no CPU reads. */
  readonly netmemTx: boolean;
  /** KernelProfile.regress. */
  readonly regress: string;
}

/**
 * Hands an skb to a device's transmit side (validate_xmit_skb), which consumes it. An unreadable
 * one is dropped where the device does not support it (f3600c867c99).
 *
 * @throws InvariantViolation when memory is read that no CPU may read.
 */
export function xmit(slab: SkbSlab, skb: number, device: XmitDevice, drops: Counters): void {
  const at = skb * SK_WORDS;
  const unreadable = (slab.skbs[at + SK_FLAGS]! & SKF_UNREADABLE) !== 0;
  if (unreadable && !device.netmemTx) {
    if (device.regress === "F20") {
      const netmem = slab.frags[slab.skbs[at + SK_FRAG_HEAD]! * FR_WORDS + FR_NETMEM]!;
      const message = "an unreadable skb was mapped for a device that cannot send it";
      throw new InvariantViolation("unreadable", message, netmem);
    }
    drops.values[UNREADABLE]!++;
  }
  slab.free(skb);
}
