/**
 * Why a packet did not reach an application: the kernel's drop reasons (enum skb_drop_reason)
 * where it has one, and the NIC's and the capture's own in the same style. Indices into
 * {@link DROP_REASONS}.
 */
export const DROP_REASONS = [
  // before the stack
  "RX_HW_DROP_OVERRUNS",
  "RX_ALLOC_FAIL",
  "RX_FRAG_OVERFLOW",
  "RX_LENGTH_ERROR",
  "RX_SPLIT_ERROR",
  // link and network layer
  "UNHANDLED_PROTO",
  "IP_INHDR",
  "IP_CSUM",
  "FRAG_REASM_TIMEOUT",
  "FRAG_TOO_FAR",
  "DUP_FRAG",
  "IP_NOPROTO",
  "NO_SOCKET",
  "PKT_TOO_SMALL",
  // transport layer
  "TCP_CSUM",
  "TCP_FLAGS",
  "TCP_RFC7323_PAWS",
  "TCP_RFC7323_PAWS_ACK",
  "TCP_OLD_SEQUENCE",
  "TCP_INVALID_SEQUENCE",
  "TCP_INVALID_END_SEQUENCE",
  "TCP_INVALID_SYN",
  "TCP_RESET",
  "TCP_CLOSE",
  "TCP_ZEROWINDOW",
  "TCP_OLD_DATA",
  "TCP_OVERWINDOW",
  "TCP_OFOMERGE",
  "TCP_OFO_DROP",
  "TCP_OFO_QUEUE_PRUNE",
  "PROTO_MEM",
  "SKB_UNREADABLE",
  // data beyond a FIN that was accepted already
  "TCP_ABORT_ON_DATA",
  // netmem's own: out of order still when a FIN, close() or the capture's end purged the queue;
  // the kernel frees these segments without a reason (tcp_fin, tcp_v4_destroy_sock)
  "NETMEM_OFO_AT_CLOSE",
  // netmem's own: the segment would open a connection beyond MAX_CONNECTIONS
  "NETMEM_TOO_MANY_SOCKETS",
  // netmem's own: completed but not polled when its queue was stopped; drivers count it nowhere
  "NETMEM_QUEUE_STOPPED",
] as const;

/** Name of a drop reason. */
export type DropReason = (typeof DROP_REASONS)[number];

/** Index of a drop reason; for module constants, not for hot code. */
export function dropIndex(reason: DropReason): number {
  return DROP_REASONS.indexOf(reason);
}
