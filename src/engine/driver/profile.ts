/** Names of the drivers that the model knows. */
export const DRIVERS = ["fbnic", "bnxt", "gve"] as const;
/** Name of a driver profile. */
export type DriverName = (typeof DRIVERS)[number];

/** ethtool -C: the interrupt comes so long after a packet, or after so many; 0 frames: by time. */
export interface InterruptModeration {
  readonly rxUsecs: number;
  readonly rxFrames: number;
}

/**
 * What every driver has, as data. Rings, placement and poll are the driver's own components, chosen
 * when a path is put together (queue-maker.ts): no packet asks for its driver.
 */
export interface DriverProfile {
  readonly name: DriverName;
  /**
   * When a used buffer is replaced. `end-of-poll`: packets are delivered first, free descriptors
   * are filled at the end of the poll, and a dry pool shows as drops in hardware. `replace-first`:
   * the replacement comes before the delivery, and without one the packet is dropped and its
   * buffers stay in the ring.
   */
  readonly refill: "end-of-poll" | "replace-first";
  /** What the interrupt waits for unless told otherwise. */
  readonly moderation: InterruptModeration;
  /** Longest header that the NIC's parser splits off. */
  readonly maxHeaderBytes: number;
  /** Largest netmem that the driver can post. */
  readonly maxNetmemBytes: number;
  /** Heads are memory of their own ({@link HEAD_BYTES} an skb), not pieces of a header page. */
  readonly ownHeads: boolean;
  /** Counters of the receive queues, summed over the queues. */
  readonly counters: readonly string[];
  /** Model time for which a queue that is restarted drops what arrives, and what its peers do. */
  readonly restartNs: number;
  readonly restartPeers: "receive" | "drop";
  /** What ndo_queue_mem_alloc answers while the device is closed: 0, or a negative errno. */
  readonly memAllocClosed: number;
  /** Header split cannot be turned off. */
  readonly alwaysSplits: boolean;
}

/** Bytes of a head of its own. */
export const HEAD_BYTES = 256;

/** A driver that packs several packets into a page. */
export interface PackedProfile extends DriverProfile {
  /** Bytes kept free in front of a header, and behind it for struct skb_shared_info. */
  readonly headRoomBytes: number;
  readonly tailRoomBytes: number;
  /** Header and payload pieces start at multiples of this, a power of two. */
  readonly pieceAlignBytes: number;
  /** A hardware page: no piece crosses a multiple of it. */
  readonly hardwarePageBytes: number;
  /** A payload page with less than this left is finished (its last piece gets the rest). */
  readonly packMinBytes: number;
  /** Smallest fragment bias of a posted netmem. */
  readonly biasMin: number;
  /**
   * Entries of the completion ring for each descriptor of a buffer ring, a power of two. A packet
   * takes a header entry, one for each payload piece and a metadata entry, and eight headers share
   * a page. The driver starts with 1024 and 256 (fbnic_txrx.h).
   */
  readonly completionsPerDescriptor: number;
  /** The driver's service task runs each time the model clock passes a multiple of this. */
  readonly serviceNs: number;
  /** Fewer descriptors than this in use in a buffer ring: the service task forces a poll. */
  readonly dryBelow: number;
}

/**
 * Counters of fbnic's receive queues, summed over the queues (fbnic_ethtool.c). The NIC's own
 * `rde_[i]_pkt_bdq_drop` (no buffer descriptor) and `rde_[i]_pkt_cq_drop` (no completion entry)
 * are summed too, and stand here without their `[i]`. `csum_none` counts only with RXCSUM off and
 * `length_errors` only under XDP: both stay 0 here.
 */
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
  "rde_pkt_bdq_drop",
  "rde_pkt_cq_drop",
] as const;

/**
 * fbnic (drivers/net/ethernet/meta/fbnic/fbnic_txrx.c): header and payload page queues; several
 * packets share a page; bias of PAGE_SIZE a page; the page goes back when the hardware head has
 * passed it and the last frag is gone.
 */
export const FBNIC: PackedProfile = {
  name: "fbnic",
  refill: "end-of-poll",
  // FBNIC_RX_USECS_DEFAULT, FBNIC_RX_FRAMES_DEFAULT.
  moderation: { rxUsecs: 30, rxFrames: 0 },
  headRoomBytes: 64,
  tailRoomBytes: 320,
  pieceAlignBytes: 128,
  hardwarePageBytes: 4096,
  packMinBytes: 1536,
  maxHeaderBytes: 512,
  biasMin: 4096,
  completionsPerDescriptor: 4,
  serviceNs: 1_000_000_000,
  dryBelow: 4,
  maxNetmemBytes: 2 ** 21,
  ownHeads: false,
  counters: FBNIC_COUNTERS,
  restartNs: 0,
  restartPeers: "receive",
  // fbnic_queue_mem_alloc makes the pools alone then.
  memAllocClosed: 0,
  alwaysSplits: true,
};

/** Indices into {@link FBNIC_COUNTERS}. */
export const C_PACKETS = 0;
export const C_BYTES = 1;
export const C_DROPPED = 2;
export const C_ALLOC_FAILED = 3;
export const C_CSUM_COMPLETE = 4;
export const C_HPQ_ALLOC_FAILED = 7;
export const C_PPQ_ALLOC_FAILED = 8;
export const C_PKT_BDQ_DROP = 9;
export const C_PKT_CQ_DROP = 10;
