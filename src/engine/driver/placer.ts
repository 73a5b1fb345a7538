import type { Frame } from "../wire/frame.js";
import type { Arrival, ReceiveQueue } from "./receive-queue.js";

/**
 * A NIC's DMA side: places the parsed frame in a queue's posted buffers and writes the skb. Nic
 * sets the arrival's words first.
 */
export interface Placer extends Arrival {
  arrivalNs: number;
  hash: number;
  ipChecksumBad: boolean;
  skbShort: boolean;
  /** The frame just placed has more pieces than one skb takes, and its driver drops such. */
  fragOverflow: boolean;
  /** Frames whose TCP checksum was wrong, of those whose bytes were all there. */
  readonly badTcpChecksums: number;
  /** Bytes placed in buffers, and writes that placed them. */
  readonly dmaBytes: number;
  readonly dmaCopies: number;
  /**
   * Places payload `[from, from + len)` of the frame at `addr` behind a copy of its headers; the
   * skb, which hardware aggregation may have begun with an earlier frame, or -1 without room.
   */
  split(queue: ReceiveQueue, frame: Frame, addr: number, from: number, len: number): number;
  /** Places all `captured` bytes of a frame unsplit; the skb, or -1. */
  whole(queue: ReceiveQueue, frame: Frame, addr: number, captured: number): number;
}
