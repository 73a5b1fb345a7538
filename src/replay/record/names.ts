// Names that records, tables and thresholds share. They never change within a schema version.

/** `schema` of the record of one capture. */
export const RECORD_SCHEMA = "netmem.record/1";
/** `schema` of several records in one document. */
export const SUITE_SCHEMA = "netmem.suite/1";
/** `schema` of runs side by side. */
export const COMPARISON_SCHEMA = "netmem.comparison/1";
/** `schema` of the part of a comparison that one machine made. */
export const COMPARISON_SHARD_SCHEMA = "netmem.comparison-shard/1";
/** `schema` of thresholds held against runs. */
export const GATE_SCHEMA = "netmem.gate/1";
/** `schema` of what later runs are held against. */
export const BASELINE_SCHEMA = "netmem.baseline/1";

/** `schema` of what fault run answers with. */
export const FAULT_SCHEMA = "netmem.fault/1";

/** Latency stages in the order in which a packet passes them; the last two span several. */
export const STAGES = ["driver", "stack", "app", "hold", "pool", "deliver", "lifetime"] as const;
/** Name of a latency stage. */
export type Stage = (typeof STAGES)[number];

/** Who can hold a netmem, in the order of the way back to the provider. */
export const OWNERS = ["poolCache", "poolRing", "driver", "stack", "app", "fallback"] as const;
/** Name of an owner. */
export type Owner = (typeof OWNERS)[number];

/** The eleven page_pool statistics (struct page_pool_stats), in the kernel's order. */
export const POOL_STATS = [
  "allocFast",
  "allocSlow",
  "allocSlowHighOrder",
  "allocEmpty",
  "allocRefill",
  "allocWaive",
  "recycleCached",
  "recycleCacheFull",
  "recycleRing",
  "recycleRingFull",
  "recycleReleasedRefcnt",
] as const;

/** All counters of a pool: the statistics, hold and release counts, and their difference. */
export const POOL_COUNTERS = [...POOL_STATS, "hold", "release", "inflight"] as const;
/** Name of a pool counter. */
export type PoolCounter = (typeof POOL_COUNTERS)[number];

/** How a stream ended: orderly, reset, at a gap that never closed, or not within the capture. */
export const STREAM_ENDS = ["fin", "rst", "hole", "open"] as const;
/** How one stream ended. */
export type StreamEnd = (typeof STREAM_ENDS)[number];

/** Figures that a baseline keeps of a latency; thresholds on it can use these alone. */
export const LATENCY_FIGURES = [
  "count",
  "min",
  "avg",
  "p(50)",
  "p(90)",
  "p(95)",
  "p(99)",
  "p(99.9)",
  "p(99.99)",
  "max",
] as const;

/** Drops in TCP that say that memory was short; its others are the capture's own doing. */
export const MEMORY_DROPS: readonly string[] = [
  "PROTO_MEM",
  "TCP_ZEROWINDOW",
  "TCP_OFO_QUEUE_PRUNE",
];

/** Whether a drop reason says that memory was short, at the NIC or in TCP. */
export function isForMemory(reason: string): boolean {
  return reason.startsWith("RX_") || MEMORY_DROPS.includes(reason);
}
