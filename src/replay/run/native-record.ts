import type { NativeReport, StreamOutcome } from "../../engine/backend/backend.js";
import type { RealDirector } from "../../engine/fault/real-director.js";
import { LogLinearHistogram } from "../../engine/probe/histogram.js";
import { toLatency } from "../measure/histogram.js";
import { machine } from "../measure/machine.js";
import { timerOverheadNs } from "../measure/timer.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { formatAddress } from "../record/address.js";
import { OWNERS, POOL_STATS, STAGES } from "../record/names.js";
import type {
  HostRecord,
  Latency,
  LeakRecord,
  NativeRecord,
  PoolRecord,
  RunRecord,
} from "../record/schema.js";
import type { RealIntervalRecord } from "../record/series-schema.js";
import { guestFacts } from "./guest-facts.js";
import { recycleRates } from "./recycle-rates.js";

/** Holes that a record lists at most. */
const MAX_HOLES = 1000;

/** What a native replay came to. */
interface Made {
  readonly config: ReplayConfig;
  readonly report: NativeReport;
  /** Rows and digests of the first pass; digests where they were asked for. */
  readonly rows: readonly StreamOutcome[];
  readonly shas: readonly string[];
  readonly passes: number;
  readonly lag: LogLinearHistogram | null;
  /** With `--interval`. */
  readonly intervals: readonly RealIntervalRecord[] | null;
  /** Made the faults happen, where any were asked for. */
  readonly director: Pick<RealDirector, "events" | "missed"> | null;
}

/** Puts what a native backend tells into the form of every other run. */
export function nativeRun(made: Made): RunRecord {
  const { config, report, rows, passes, director } = made;
  const opened = rows.filter(({ payload }) => payload);
  const { copies } = report;
  const pool = poolOf(report);
  return {
    provider: report.provider,
    backend: report.backend,
    clock: "kernel",
    packets: report.packets,
    bytes: report.bytes,
    deliveredBytes: report.deliveredBytes,
    passes,
    sockets: {
      opened: opened.length,
      midStream: opened.filter(({ midStream }) => midStream).length,
      oneSided: opened.filter(({ oneSided }) => oneSided).length,
    },
    ...(config.streams ? { streams: rows.map((row, i) => streamOf(row, made.shas[i]!)) } : {}),
    latency: latenciesOf(report),
    pool,
    headerPool: null,
    recycle: recycleRates(pool, report.recycle),
    leaks: leaksOf(report),
    copy: {
      bytes: copies.receivedBytes,
      byReason: copies.receivedBytes > 0 ? { recv: copies.receivedBytes } : {},
    },
    reference: { bytes: copies.mappedBytes },
    dma: { ...report.dma },
    drops: { ...report.drops },
    tcp: { ...report.tcp },
    driver: { ...report.driver },
    ...(director === null ? {} : { faults: [...director.events] }),
    ...(guestFacts() === null ? { host: hostOf(made, opened.length * passes) } : {}),
    native: nativeOf(made),
  };
}

function streamOf(row: StreamOutcome, sha256: string): NonNullable<RunRecord["streams"]>[number] {
  return {
    src: formatAddress(row.src),
    sport: row.sport,
    dst: formatAddress(row.dst),
    dport: row.dport,
    bytes: row.bytes,
    sha256,
    gaps: row.gaps,
    end: row.end,
  };
}

function latenciesOf({ times }: NativeReport): RunRecord["latency"] {
  const latency: Partial<Record<(typeof STAGES)[number], Latency>> = {};
  const untimed = guestFacts() === null ? null : new LogLinearHistogram();
  for (const stage of STAGES) {
    latency[stage] = toLatency("kernel", untimed ?? times[stage], LogLinearHistogram);
  }
  return latency as RunRecord["latency"];
}

/** Zeros where the kernel's pool has no such counter, or the backend no pool. */
function poolOf({ pool }: NativeReport): PoolRecord {
  const stats = POOL_STATS.map((name) => [name, pool?.stats[name] ?? 0] as const);
  return {
    ...(Object.fromEntries(stats) as Record<(typeof POOL_STATS)[number], number>),
    hold: pool?.hold ?? 0,
    release: pool?.release ?? 0,
    inflight: pool?.inflight ?? 0,
  };
}

function leaksOf({ leaks }: NativeReport): LeakRecord {
  const byOwner = Object.fromEntries(OWNERS.map((owner) => [owner, leaks[owner] ?? 0]));
  const count = Object.values(byOwner).reduce((sum, one) => sum + one, 0);
  return { count, byOwner: byOwner as LeakRecord["byOwner"], zombies: 0, netmems: [] };
}

function hostOf({ report, intervals }: Made, flows: number): HostRecord {
  const { elapsedNs, packets, bytes } = report;
  const rate = (amount: number) => (elapsedNs > 0 ? (amount * 1e9) / elapsedNs : 0);
  return {
    elapsedNs: Math.round(elapsedNs),
    nsPerPacket: packets > 0 ? elapsedNs / packets : 0,
    packetsPerSecond: rate(packets),
    bitsPerSecond: rate(bytes * 8),
    flowsPerSecond: rate(flows),
    floorNsPerPacket: null,
    timerOverheadNs: timerOverheadNs(),
    poll: null,
    packet: null,
    machine: machine(),
    ...(intervals === null ? {} : { intervals: [...intervals] }),
  };
}

function nativeOf({ config, report, rows, lag, director }: Made): NativeRecord {
  const { copies, altered, left, pool } = report;
  const mappedPct =
    report.deliveredBytes === 0 ? null : (100 * copies.mappedBytes) / report.deliveredBytes;
  return {
    injected: report.injected,
    leftOut: { ...report.leftOut },
    copies: { ...copies, mappedPct },
    altered: { ...altered },
    holes: holesOf(rows),
    pool:
      pool === null
        ? null
        : {
            hold: pool.hold,
            release: pool.release,
            inflight: pool.inflight,
            releases: [...pool.releases],
          },
    lag: lag === null ? null : toLatency("kernel", lag, LogLinearHistogram),
    left: { ...left },
    ...(guestFacts() === null
      ? { setupNs: Math.round(report.setupNs), teardownNs: Math.round(report.teardownNs) }
      : {}),
    notes: [...report.notes, ...intervalNotes(config), ...(director?.missed ?? [])],
  };
}

function intervalNotes({ intervalNs }: ReplayConfig): string[] {
  if (intervalNs === null || guestFacts() === null) return [];
  return ["--interval: no series, since a guest's clock measures nothing"];
}

function holesOf(rows: readonly StreamOutcome[]): NativeRecord["holes"] {
  return rows
    .filter(({ end, bytes, readableBytes }) => end === "hole" || bytes < readableBytes)
    .slice(0, MAX_HOLES)
    .map((row) => ({
      src: formatAddress(row.src),
      sport: row.sport,
      dst: formatAddress(row.dst),
      dport: row.dport,
      atByte: row.bytes,
      packet: row.holeAtPacket < 0 || row.bytes < row.readableBytes ? null : row.holeAtPacket,
    }));
}
