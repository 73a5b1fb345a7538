import { DEFAULT_COSTS } from "../../src/engine/clock/costs.js";
import { LogLinearHistogram } from "../../src/engine/probe/histogram.js";
import { toLatency } from "../../src/replay/measure/histogram.js";
import { OWNERS, POOL_COUNTERS } from "../../src/replay/record/names.js";
import type {
  CaptureRecord,
  Latency,
  NativeRecord,
  NetmemRecord,
  NetmemSuite,
  PoolRecord,
  RunRecord,
  StreamRecord,
} from "../../src/replay/record/schema.js";

/** Records made by hand, for tests of what reads records. */

export function latencyOf(...values: number[]): Latency {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value, 1);
  return toLatency("model", histogram, LogLinearHistogram);
}

export function poolOf(counts: Partial<PoolRecord>): PoolRecord {
  const zero = Object.fromEntries(POOL_COUNTERS.map((name) => [name, 0])) as PoolRecord;
  return { ...zero, ...counts };
}

export function streamOf(changes: Partial<StreamRecord> = {}): StreamRecord {
  return {
    src: "192.0.2.1",
    sport: 80,
    dst: "198.51.100.7",
    dport: 40000,
    bytes: 1448,
    sha256: "ab".repeat(32),
    gaps: 0,
    end: "fin",
    ...changes,
  };
}

/** Of a run through a kernel; `pool` is the account of its page_pool. */
export function nativeOf(pool: NativeRecord["pool"]): NativeRecord {
  return {
    injected: 1234,
    leftOut: {},
    copies: { injection: 1, receivedBytes: 0, mappedBytes: 0, mappableBytes: 0, mappedPct: null },
    altered: {
      acksRewritten: 0,
      mappedConnections: 0,
      joinedDatagrams: 0,
      splitPackets: 0,
      coalescedSegments: 0,
    },
    holes: [],
    pool,
    lag: null,
    left: { sockets: 0, mappedPages: 0, interfaces: 0 },
    notes: [],
  };
}

export function runOf(provider: string, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    provider,
    backend: "memory",
    clock: "model",
    packets: 1234,
    bytes: 1_500_000,
    deliveredBytes: 1_400_000,
    passes: 1,
    sockets: { opened: 3, midStream: 0, oneSided: 0 },
    latency: {
      driver: latencyOf(1200, 2200, 50_000),
      stack: latencyOf(90, 180, 12_000_000),
      app: latencyOf(1500, 1500, 1800),
      hold: latencyOf(0, 0, 0),
      pool: latencyOf(),
      deliver: latencyOf(3000, 4000, 12_100_000),
      lifetime: latencyOf(1e9, 2e9, 7.2e12),
    },
    pool: poolOf({ allocFast: 1200, allocSlow: 64, hold: 1264, release: 1264 }),
    headerPool: poolOf({ allocFast: 1234 }),
    recycle: { recyclingPct: 94.937, endToEndPct: 100 },
    leaks: {
      count: 0,
      byOwner: Object.fromEntries(OWNERS.map((name) => [name, 0])) as RunRecord["leaks"]["byOwner"],
      zombies: 0,
      netmems: [],
    },
    copy: { bytes: 0, byReason: {} },
    reference: { bytes: 1_400_000 },
    dma: { bytes: 1_400_000, copies: 1100 },
    drops: {},
    tcp: { TCPRcvCoalesce: 12 },
    driver: { packets: 1234 },
    host: {
      elapsedNs: 2_000_000,
      nsPerPacket: 162.1,
      packetsPerSecond: 6_170_000,
      bitsPerSecond: 6e9,
      flowsPerSecond: 1500,
      floorNsPerPacket: null,
      timerOverheadNs: 41.5,
      poll: latencyOf(900, 1100),
      packet: latencyOf(150, 170),
    },
    ...changes,
  };
}

export function captureOf(changes: Partial<CaptureRecord> = {}): CaptureRecord {
  return {
    path: "fixtures/sample.pcap",
    sha256: "cd".repeat(32),
    format: "pcap",
    linkTypes: [1],
    packets: 1234,
    bytes: 1_500_000,
    durationNs: 12_345_678_901,
    skipped: {},
    damage: [],
    badChecksums: 0,
    clampedTimestamps: 0,
    ...changes,
  };
}

export function recordOf(changes: Partial<NetmemRecord> = {}): NetmemRecord {
  return {
    schema: "netmem.record/1",
    netmem: { version: "0.1.0", commit: null },
    reproduce: "netmem replay fixtures/sample.pcap --seed 1",
    config: {
      provider: ["page", "devmem", "zcrx"],
      backend: "memory",
      kernel: "7.3",
      driver: "fbnic",
      queues: 4,
      ring: 1024,
      budget: 64,
      areaBytes: 67_108_864,
      bufferSizeBytes: 4096,
      hds: { mode: "on", failEvery: 0 },
      steer: "all",
      rxUsecs: 50,
      rxFrames: 32,
      readDelayNs: 0,
      readSizeBytes: 65_536,
      holdNs: 0,
      batch: 1,
      rcvbuf: "capture",
      rcvbufBytes: { min: 131_072, max: 131_072 },
      checksum: "trust",
      pacing: { mode: "recorded", multiplier: 1 },
      loop: 1,
      limit: null,
      cost: { name: "default", table: { ...DEFAULT_COSTS } },
      seed: 1,
      streams: false,
      leaks: "count",
      floor: false,
      reader: "block",
    },
    warnings: [],
    capture: captureOf(),
    runs: [
      runOf("page", { copy: { bytes: 1_400_000, byReason: {} }, reference: { bytes: 0 } }),
      runOf("devmem"),
      runOf("zcrx"),
    ],
    ...changes,
  };
}

export function suiteOf(...records: NetmemRecord[]): NetmemSuite {
  return {
    schema: "netmem.suite/1",
    netmem: { version: "0.1.0", commit: null },
    records,
    failed: [],
    summary: {
      captures: records.length,
      packets: 1234 * records.length,
      bytes: 1_500_000 * records.length,
      deliveredBytes: 4_200_000 * records.length,
      leaks: 0,
      zombies: 0,
      drops: 0,
      damaged: 0,
    },
  };
}
