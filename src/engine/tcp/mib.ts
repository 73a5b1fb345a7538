import { Counters } from "../probe/counters.js";
import type { DropReason } from "../probe/drop-reasons.js";
import { dropIndex } from "../probe/drop-reasons.js";

/**
 * TCP's MIB counters by the names of /proc/net/netstat (net/ipv4/proc.c).
 */
export const TCP_MIB = [
  "TCPHPHits",
  "TCPRcvCoalesce",
  "TCPOFOQueue",
  "TCPOFODrop",
  "TCPOFOMerge",
  "OfoPruned",
  "PruneCalled",
  "RcvPruned",
  "TCPRcvCollapsed",
  "TCPRcvQDrop",
  "TCPZeroWindowDrop",
  "DelayedACKs",
  "DelayedACKLost",
  "PAWSEstab",
  "PAWSOldAck",
  "TCPACKSkippedPAWS",
  "TCPACKSkippedSeq",
  "TCPACKSkippedChallenge",
  "TCPSYNChallenge",
  "TCPChallengeACK",
  "BeyondWindow",
  "TCPDSACKOldSent",
  "TCPDSACKOfoSent",
  "TCPAckCompressed",
  "WantZeroWindowAdv",
  "ToZeroWindowAdv",
  "FromZeroWindowAdv",
  "TCPAbortOnClose",
  "TCPAbortOnData",
] as const;

/** What only a replay can count, and no kernel: signs of how the capture was made. */
export const TCP_ARTEFACTS = [
  "CaptureBeyondWindow",
  "CaptureAckBeforeData",
  "CaptureSynAfterData",
  "UrgentSegments",
] as const;

/** Name of a TCP counter. */
export type TcpMib = (typeof TCP_MIB)[number];
/** Name of an artefact counter. */
export type TcpArtefact = (typeof TCP_ARTEFACTS)[number];

/** Index of a counter; for module constants, not for hot code. */
function mib(name: TcpMib): number {
  return TCP_MIB.indexOf(name);
}

/** Indices into {@link TCP_MIB}. */
export const HP_HITS = mib("TCPHPHits");
export const RCV_COALESCE = mib("TCPRcvCoalesce");
export const OFO_QUEUE = mib("TCPOFOQueue");
export const OFO_DROP = mib("TCPOFODrop");
export const OFO_MERGE = mib("TCPOFOMerge");
export const OFO_PRUNED = mib("OfoPruned");
export const PRUNE_CALLED = mib("PruneCalled");
export const RCV_PRUNED = mib("RcvPruned");
export const RCV_COLLAPSED = mib("TCPRcvCollapsed");
export const RCVQ_DROP = mib("TCPRcvQDrop");
export const ZERO_WINDOW_DROP = mib("TCPZeroWindowDrop");
export const DELAYED_ACKS = mib("DelayedACKs");
export const DELAYED_ACK_LOST = mib("DelayedACKLost");
export const PAWS_ESTAB = mib("PAWSEstab");
export const PAWS_OLD_ACK = mib("PAWSOldAck");
export const ACK_SKIPPED_PAWS = mib("TCPACKSkippedPAWS");
export const ACK_SKIPPED_SEQ = mib("TCPACKSkippedSeq");
export const ACK_SKIPPED_CHALLENGE = mib("TCPACKSkippedChallenge");
export const SYN_CHALLENGE = mib("TCPSYNChallenge");
export const CHALLENGE_ACK = mib("TCPChallengeACK");
export const BEYOND_WINDOW = mib("BeyondWindow");
export const DSACK_OLD = mib("TCPDSACKOldSent");
export const DSACK_OFO = mib("TCPDSACKOfoSent");
export const ACK_COMPRESSED = mib("TCPAckCompressed");
export const WANT_ZERO_WINDOW = mib("WantZeroWindowAdv");
export const TO_ZERO_WINDOW = mib("ToZeroWindowAdv");
export const FROM_ZERO_WINDOW = mib("FromZeroWindowAdv");
export const ABORT_ON_CLOSE = mib("TCPAbortOnClose");
export const ABORT_ON_DATA = mib("TCPAbortOnData");

const artefact = (name: TcpArtefact) => TCP_ARTEFACTS.indexOf(name);

/** Data beyond every window seen so far, taken all the same (`--rcvbuf capture`). */
export const CAPTURE_BEYOND_WINDOW = artefact("CaptureBeyondWindow");
/** An acknowledgment of data that arrived later (early-ack.ts). */
export const CAPTURE_ACK_BEFORE_DATA = artefact("CaptureAckBeforeData");
/** A SYN that came after data of its own connection. */
export const CAPTURE_SYN_AFTER_DATA = artefact("CaptureSynAfterData");
/** A segment with URG; its bytes are delivered as any others. */
export const URGENT_SEGMENTS = artefact("UrgentSegments");

/** A fresh set of TCP's counters. */
export function tcpCounters(): Counters {
  return new Counters(TCP_MIB);
}

/** A fresh set of counters over {@link TCP_ARTEFACTS}. */
export function artefactCounters(): Counters {
  return new Counters(TCP_ARTEFACTS);
}

const drop = (reason: DropReason) => dropIndex(reason);

/** Indices into DROP_REASONS. */
export const DROP_FLAGS = drop("TCP_FLAGS");
export const DROP_PAWS = drop("TCP_RFC7323_PAWS");
export const DROP_PAWS_ACK = drop("TCP_RFC7323_PAWS_ACK");
export const DROP_OLD_SEQUENCE = drop("TCP_OLD_SEQUENCE");
export const DROP_INVALID_SEQUENCE = drop("TCP_INVALID_SEQUENCE");
export const DROP_INVALID_END_SEQUENCE = drop("TCP_INVALID_END_SEQUENCE");
export const DROP_INVALID_SYN = drop("TCP_INVALID_SYN");
export const DROP_RESET = drop("TCP_RESET");
export const DROP_CLOSE = drop("TCP_CLOSE");
export const DROP_ZEROWINDOW = drop("TCP_ZEROWINDOW");
export const DROP_OLD_DATA = drop("TCP_OLD_DATA");
export const DROP_OVERWINDOW = drop("TCP_OVERWINDOW");
export const DROP_OFOMERGE = drop("TCP_OFOMERGE");
export const DROP_OFO = drop("TCP_OFO_DROP");
export const DROP_OFO_PRUNE = drop("TCP_OFO_QUEUE_PRUNE");
export const DROP_PROTO_MEM = drop("PROTO_MEM");
export const DROP_NO_SOCKET = drop("NO_SOCKET");
export const DROP_ABORT_ON_DATA = drop("TCP_ABORT_ON_DATA");
export const DROP_OFO_AT_CLOSE = drop("NETMEM_OFO_AT_CLOSE");
export const DROP_TOO_MANY_SOCKETS = drop("NETMEM_TOO_MANY_SOCKETS");
