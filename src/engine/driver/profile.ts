/**
 * What differs from NIC to NIC, as data: the refill moment, the truesize rule and the fragment
 * bias. The receive queue (rx-queue.ts) reads these; no call goes through here for a packet.
 */
export interface DriverProfile {
  readonly name: string;
  /**
   * `end-of-poll`: free descriptors are refilled at the end of a poll, packets are delivered first,
   * and a dry pool shows as drops in hardware.
   */
  readonly refill: "end-of-poll";
  /** Bytes kept free in front of a header, and behind it for struct skb_shared_info. */
  readonly headRoomBytes: number;
  readonly tailRoomBytes: number;
  /** Header and payload pieces start at multiples of this, a power of two. */
  readonly pieceAlignBytes: number;
  /** A hardware page: no piece crosses a multiple of it. */
  readonly hardwarePageBytes: number;
  /** A payload page with less than this left is finished (its last piece gets the rest). */
  readonly packMinBytes: number;
  /** Longest header that the NIC's parser splits off. */
  readonly maxHeaderBytes: number;
  /** Smallest fragment bias of a posted netmem. */
  readonly biasMin: number;
  /** A dry queue is looked at again after this time (the driver's service task). */
  readonly dryCheckNs: number;
}

/**
 * fbnic (drivers/net/ethernet/meta/fbnic/fbnic_txrx.c): header and payload page queues; several
 * packets share a page; bias of PAGE_SIZE a page; the page goes back when the hardware head has
 * passed it and the last frag is gone.
 */
export const FBNIC: DriverProfile = {
  name: "fbnic",
  refill: "end-of-poll",
  headRoomBytes: 64,
  tailRoomBytes: 320,
  pieceAlignBytes: 128,
  hardwarePageBytes: 4096,
  packMinBytes: 1536,
  maxHeaderBytes: 512,
  biasMin: 4096,
  dryCheckNs: 1_000_000_000,
};

/** Counters of fbnic's receive queues, in the order of {@link FBNIC_COUNTERS}. */
export const FBNIC_COUNTERS = [
  "packets",
  "bytes",
  "dropped",
  "alloc_failed",
  "csum_complete",
  "csum_none",
  "length_errors",
  "hpq_alloc_failed",
  "ppq_alloc_failed",
  "hw_drop_no_buffer",
  "hw_drop_rcq_full",
] as const;

export const C_PACKETS = 0;
export const C_BYTES = 1;
export const C_DROPPED = 2;
export const C_ALLOC_FAILED = 3;
export const C_CSUM_COMPLETE = 4;
export const C_CSUM_NONE = 5;
export const C_LENGTH_ERRORS = 6;
export const C_HPQ_ALLOC_FAILED = 7;
export const C_PPQ_ALLOC_FAILED = 8;
export const C_HW_DROP_NO_BUFFER = 9;
export const C_HW_DROP_RCQ_FULL = 10;
