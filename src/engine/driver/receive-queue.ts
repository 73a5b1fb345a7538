import type { QueueMem } from "./queue-maker.js";

/** The frame at hand; an object, since a double argument would be boxed. */
export interface Arrival {
  /** When it arrived, model time. */
  readonly arrivalNs: number;
  /** Completion entries that it takes: header, one a payload piece, metadata. */
  readonly entries: number;
  /** The NIC could not validate its TCP or UDP checksum. */
  readonly csumComplete: boolean;
  /** It was refused for want of completion entries. */
  readonly cqShort: boolean;
  /** It was refused for want of an skb. */
  readonly skbShort: boolean;
}

/** Kind of a completion that is no packet: the driver cannot hold its pieces in one skb. */
export const KIND_OVERFLOW = 7;

/** Bit of a TCP completion's kind: an Ethernet header stands in front of its IP header. */
export const KIND_ETHERNET = 1 << 31;

/** One receive queue of whatever driver, as the device and the next-event loop see it. */
export interface ReceiveQueue {
  readonly index: number;
  /** Model time of the next poll, Infinity while the interrupt is armed and nothing waits. */
  dueNs: number;
  /** The queue's CPU works until then. */
  busyUntilNs: number;
  /** Polls run so far. */
  polls: number;
  /** Packets that wait for a poll. */
  readonly pending: number;
  /** So little room is left that a source that can wait should. */
  readonly tight: boolean;
  /** Netmems used up by the NIC since the path was built, restarts included. */
  readonly usedPayloads: number;
  readonly usedHeaders: number;
  /** Pools and rings in use. */
  readonly mem: QueueMem;
  /** ndo_queue_start: takes rings into use. */
  start(mem: QueueMem): void;
  /** ndo_queue_stop: empties the rings and GRO, in process context. */
  stop(): void;
  /** Frames that arrive before this model time are dropped: the hardware is being set up. */
  silence(untilNs: number): void;
  /** A placed frame goes on the completion ring; arms or shortens the interrupt. */
  complete(skb: number, kindAndTags: number, bytes: number, arrival: Arrival): void;
  /** Between two passes: what the driver does now and then for a dry ring, it has done. */
  lookAfter(nowNs: number): void;
  /** The NIC drops a frame. */
  overrun(arrival: Arrival): void;
  /** One NAPI poll at clock.nowNs; answers how many packets it took. */
  poll(): number;
  /** Moves the queue's own times when the clock's epoch moves. */
  rebase(deltaNs: number): void;
}
