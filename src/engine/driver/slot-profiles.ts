import { ERRNO } from "../provider/provider.js";
import type { DriverProfile } from "./profile.js";

/** A driver that gives a whole buffer to each packet. */
export interface SlotProfile extends DriverProfile {
  readonly name: "bnxt" | "gve";
  /** rx_copybreak: a head of at most so many bytes is copied, and its buffer used again. */
  readonly copybreakBytes: number;
  /** Truesize of a head beside struct sk_buff: SKB_SMALL_HEAD_SIZE, and bnxt's rx_buf_size. */
  readonly headTruesize: number;
  /** Descriptors between two doorbells, at most: the NIC sees no others. */
  readonly doorbell: number;
  /** Packet bytes that go to a head buffer when a packet is not split; 0 without head buffers. */
  readonly linearBytes: number;
  /** Payload buffers that a packet without payload takes. */
  readonly leastSlots: number;
}

/** Packet bytes of one of bnxt's head buffers: SKB_DATA_ALIGN(rx_copybreak + NET_IP_ALIGN). */
export const BNXT_HEAD_BYTES = 320;
/** rx_buf_size: that, NET_SKB_PAD in front and struct skb_shared_info behind. */
export const BNXT_HEAD_BUFFER = 704;
/** bnxt_alloc_rx_page_pool: entries of the head pool's ring at most. */
export const BNXT_HEAD_POOL = 1024;

/**
 * Counters of bnxt's receive rings, summed (bnxt_ethtool.c: bnxt_ring_rx_stats_str,
 * bnxt_rx_sw_stats_str, bnxt_ring_err_stats_arr; struct bnxt_rx_sw_stats). `rx_discards` is the
 * NIC's own: no buffer posted, or the VNIC's receive size is 0.
 */
export const BNXT_COUNTERS = [
  "rx_ucast_packets",
  "rx_ucast_bytes",
  "rx_discards",
  "rx_errors",
  "rx_l4_csum_errors",
  "rx_resets",
  "rx_buf_errors",
  "rx_oom_discards",
  "rx_netpoll_discards",
  "rx_hw_gro_packets",
  "rx_hw_gro_wire_packets",
  "rx_tpa_errors",
] as const;

/** Indices into {@link BNXT_COUNTERS}. */
export const B_PACKETS = 0;
export const B_BYTES = 1;
export const B_DISCARDS = 2;
export const B_CSUM_ERRORS = 4;
export const B_OOM_DISCARDS = 7;
export const B_GRO_PACKETS = 9;
export const B_GRO_WIRE_PACKETS = 10;

/**
 * bnxt (drivers/net/ethernet/broadcom/bnxt/bnxt.c): a head buffer and aggregation buffers, each
 * the whole rx page of one packet or of one hardware aggregation. A queue's stop sets the receive
 * size of its VNIC to 0, and the VNIC's other queues lose packets too. How long the hardware
 * commands take is an assumption.
 */
export const BNXT: SlotProfile = {
  name: "bnxt",
  refill: "replace-first",
  // bnxt_init_dflt_coal: 10 ticks, 30 buffers of which a packet has two.
  moderation: { rxUsecs: 10, rxFrames: 15 },
  maxHeaderBytes: 256,
  // BNXT_MAX_RX_PAGE_SIZE.
  maxNetmemBytes: 32768,
  ownHeads: true,
  counters: BNXT_COUNTERS,
  restartNs: 100_000,
  restartPeers: "drop",
  // bnxt_queue_mem_alloc finds no rx_ring.
  memAllocClosed: -ERRNO.ENETDOWN,
  alwaysSplits: false,
  copybreakBytes: 256,
  headTruesize: BNXT_HEAD_BUFFER,
  doorbell: 1,
  linearBytes: BNXT_HEAD_BYTES,
  leastSlots: 0,
};

/** GVE_DEFAULT_RX_BUFFER_SIZE: a buffer without header split; with it a buffer is a page. */
export const GVE_SMALL_BUFFER = 2048;
/** GVE_RX_NAPI_RESCHED_MS: the starvation timer. */
export const GVE_STARVATION_NS = 20_000_000;
/** GVE_PAGE_POOL_SIZE_MULTIPLIER. */
export const GVE_POOL_MULTIPLIER = 4;

/**
 * Counters of gve's receive queues, summed (gve_ethtool.c: gve_gstrings_main_stats and
 * gve_gstrings_rx_stats without their `[i]`; `rx_devmem_dropped` of struct gve_rx_ring).
 * `rx_no_buffers_posted` is the NIC's own.
 */
export const GVE_COUNTERS = [
  "rx_packets",
  "rx_bytes",
  "rx_dropped",
  "rx_hsplit_pkt",
  "rx_hsplit_bytes",
  "rx_hsplit_unsplit_pkt",
  "rx_skb_alloc_fail",
  "rx_buf_alloc_fail",
  "rx_desc_err_dropped_pkt",
  "rx_critical_low_bufs",
  "rx_posted_desc",
  "rx_completed_desc",
  "rx_cont_packet_cnt",
  "rx_copybreak_pkt",
  "rx_copied_pkt",
  "rx_devmem_dropped",
  "rx_queue_drop_cnt",
  "rx_no_buffers_posted",
] as const;

/** Indices into {@link GVE_COUNTERS}. */
export const G_PACKETS = 0;
export const G_BYTES = 1;
export const G_DROPPED = 2;
export const G_HSPLIT_PKT = 3;
export const G_HSPLIT_BYTES = 4;
export const G_UNSPLIT = 5;
export const G_SKB_ALLOC_FAIL = 6;
export const G_BUF_ALLOC_FAIL = 7;
export const G_CRITICAL_LOW = 9;
export const G_POSTED = 10;
export const G_COMPLETED = 11;
export const G_CONT_PACKETS = 12;
export const G_COPYBREAK = 13;
export const G_COPIED = 14;
export const G_DEVMEM_DROPPED = 15;
export const G_QUEUE_DROPS = 16;
export const G_NO_BUFFERS = 17;

/**
 * gve (drivers/net/ethernet/google/gve/gve_rx_dqo.c, raw addressing): one buffer queue from one
 * pool; headers arrive in a fixed area and are copied. A descriptor counts for the NIC only behind
 * a doorbell, rung at each multiple of GVE_RX_BUF_THRESH_DQO. The time of the admin queue's
 * commands is an assumption.
 */
export const GVE: SlotProfile = {
  name: "gve",
  refill: "end-of-poll",
  // GVE_RX_IRQ_RATELIMIT_US_DQO.
  moderation: { rxUsecs: 20, rxFrames: 0 },
  // GVE_DEFAULT_HEADER_BUFFER_SIZE.
  maxHeaderBytes: 128,
  maxNetmemBytes: 4096,
  ownHeads: true,
  counters: GVE_COUNTERS,
  restartNs: 100_000,
  restartPeers: "receive",
  // gve_rx_queue_mem_alloc finds no rx.
  memAllocClosed: -ERRNO.EAGAIN,
  alwaysSplits: false,
  copybreakBytes: 256,
  headTruesize: 704,
  doorbell: 32,
  linearBytes: 0,
  leastSlots: 1,
};
