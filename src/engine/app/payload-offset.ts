import { InvariantViolation } from "../ledger/invariant.js";
import { TCP_SYN } from "../skb/skb-slab.js";

/**
 * Offset of sequence number `seq` in an skb's payload: what precedes it was read from an earlier,
 * overlapping skb. A hole in front of the skb is the kernel's "recvmsg bug".
 *
 * @throws InvariantViolation when the skb starts behind `seq`.
 */
export function payloadOffset(seq: number, skbSeq: number, flags: number): number {
  const offset = (seq - skbSeq - (flags & TCP_SYN ? 1 : 0)) | 0;
  if (offset < 0) throw new InvariantViolation(43, "TCP recvmsg seq bug: a hole before the skb");
  return offset;
}
