import type { InvariantViolation } from "../../engine/ledger/invariant.js";
import {
  NM_LAST,
  NM_LAST_NS,
  NM_STAMPS,
  NM_STATE,
  NM_WORDS,
} from "../../engine/netmem/netmem-table.js";
import { STATE_OWNER, TRANSITION_NAME } from "../../engine/netmem/state.js";
import type { PagePool } from "../../engine/page-pool/page-pool.js";
import { LogLinearHistogram } from "../../engine/probe/histogram.js";
import type { ReceivePath } from "../../engine/receive-path.js";
import { toLatency } from "../measure/histogram.js";
import { machine } from "../measure/machine.js";
import { timerOverheadNs } from "../measure/timer.js";
import { recordConfig, reproduceLine } from "../plan/reproduce.js";
import { jsonNumber } from "../record/json-number.js";
import { OWNERS, POOL_STATS, RECORD_SCHEMA, STAGES } from "../record/names.js";
import type {
  HostRecord,
  Latency,
  LeakRecord,
  NetmemRecord,
  PoolRecord,
  RunRecord,
} from "../record/schema.js";
import { build } from "./build-info.js";
import { captureRecord } from "./capture-record.js";
import type { Lane } from "./lane.js";
import { recycleRates } from "./recycle-rates.js";
import type { Outcome } from "./run-replay.js";
import { ownerPoints } from "./series-of.js";
import { warningsOf } from "./warnings.js";

/** Leaked netmems that a record lists at most; `count` has them all. */
const MAX_LISTED_LEAKS = 1000;

/** Puts what a replay came to into a record. */
export function buildRecord(outcome: Outcome): NetmemRecord {
  const { config, facts, lanes } = outcome;
  const tool = build();
  return {
    schema: RECORD_SCHEMA,
    netmem: tool,
    reproduce: reproduceLine(tool, config, facts),
    config: recordConfig(config, outcome.sockets[0]?.rcvbufBytes ?? null),
    warnings: warningsOf(outcome),
    capture: captureRecord(facts, facts.path, outcome.found),
    runs: lanes.lanes.map((lane, i) => runOf(outcome, lane, i)),
  };
}

function runOf(outcome: Outcome, lane: Lane, i: number): RunRecord {
  const { path } = lane;
  const counts = path.app.counts;
  const { opened, midStream, oneSided, streams } = outcome.sockets[i]!;
  const pools = path.netdev.queues.slice(0, path.options.queues);
  const payload = pools.map((made) => made.payloadPool);
  const shared = pools.every((made) => made.headerPool === made.payloadPool);
  const pool = poolOf(path, payload, lane.firstPool);
  const copied = counts.copiedBytes;
  const copiedTotal = Object.values(copied).reduce((sum, bytes) => sum + bytes, 0);
  return {
    provider: lane.provider,
    backend: "memory",
    clock: "model",
    packets: path.packets,
    bytes: path.bytes,
    deliveredBytes: counts.deliveredBytes,
    passes: outcome.passes,
    sockets: { opened, midStream, oneSided },
    ...(outcome.config.streams ? { streams: [...streams] } : {}),
    latency: latenciesOf(path),
    pool,
    headerPool: shared
      ? null
      : poolOf(
          path,
          pools.map((made) => made.headerPool),
          lane.firstPool,
        ),
    recycle: recycleRates(pool, path.recycled),
    leaks: leaksOf(lane),
    copy: { bytes: copiedTotal, byReason: { ...copied } },
    reference: { bytes: counts.referenceBytes },
    dma: { bytes: path.placement.dmaBytes, copies: path.placement.dmaCopies },
    drops: path.drops.nonZero(),
    tcp: path.tcp.mib.nonZero(),
    driver: driverOf(path),
    ...faultsOf(outcome, lane),
    ...(lane.violation === null ? {} : { violation: violationOf(path, lane.violation) }),
    owners: ownerPoints(path.series.owners),
    ...(outcome.config.intervalNs === null ? {} : { intervals: [...lane.intervals] }),
    host: hostOf(outcome, lane, opened),
  };
}

function latenciesOf(path: ReceivePath): RunRecord["latency"] {
  const latency: Partial<Record<(typeof STAGES)[number], Latency>> = {};
  for (const stage of STAGES) {
    latency[stage] = toLatency("model", path.stages[stage], LogLinearHistogram);
  }
  return latency as RunRecord["latency"];
}

/**
 * The counters of several pools added up: the statistics as they stood before the teardown, the
 * account of netmems after it. Of a provider, the account is that of all pools that it had from
 * number `first` on: a queue that restarts takes a new one.
 */
function poolOf(path: ReceivePath, pools: readonly PagePool[], first: number): PoolRecord {
  const add = (some: readonly PagePool[], of: (pool: PagePool) => number) =>
    some.reduce((total, pool) => total + of(pool), 0);
  const stats = POOL_STATS.map(
    (name, i) => [name, add(pools, (pool) => path.poolStats[pool.number]![i]!)] as const,
  );
  const provided = path.pools.pools.filter(
    (pool): pool is PagePool => pool !== null && pool.provider !== null && pool.number >= first,
  );
  const all = pools.some(({ provider }) => provider !== null) ? provided : pools;
  return {
    ...(Object.fromEntries(stats) as Record<(typeof POOL_STATS)[number], number>),
    hold: add(all, (pool) => pool.holdCnt),
    release: add(all, (pool) => pool.releaseCnt),
    inflight: add(all, (pool) => pool.holdCnt - pool.releaseCnt),
  };
}

function leaksOf({ path, violation }: Lane): LeakRecord {
  const { words, stamps, count } = path.table;
  const byOwner = Object.fromEntries(OWNERS.map((owner) => [owner, 0])) as Record<string, number>;
  const netmems: LeakRecord["netmems"] = [];
  let total = 0;
  // The teardown's audit held the ledger's counts against the netmems; a broken run has had none.
  const last = violation === null && !anyHeld(path) ? 0 : count;
  for (let n = 0; n < last; n++) {
    const owner = STATE_OWNER[words[n * NM_WORDS + NM_STATE]!]!;
    if (owner === "") continue;
    total++;
    byOwner[owner]!++;
    if (netmems.length === MAX_LISTED_LEAKS) continue;
    const history = path.ledger.history?.events(n);
    netmems.push({
      netmem: n,
      owner: owner as LeakRecord["netmems"][number]["owner"],
      ageNs: jsonNumber(
        Math.max(0, Math.round(path.clock.nowNs - stamps[n * NM_STAMPS + NM_LAST_NS]!)),
      ),
      lastTransition: TRANSITION_NAME[words[n * NM_WORDS + NM_LAST]!]!,
      ...(history === undefined ? {} : { history }),
    });
  }
  const owners = byOwner as LeakRecord["byOwner"];
  return { count: total, byOwner: owners, zombies: path.pools.zombies.length, netmems };
}

/** Whether somebody holds a netmem, as the ledger counts them by pool and state. */
function anyHeld({ ledger }: ReceivePath): boolean {
  return ledger.counts.some((held, i) => held > 0 && (STATE_OWNER[i & 15] ?? "") !== "");
}

/** What faults happened to a lane, the wire's first; nothing without a plan. */
function faultsOf({ lanes }: Outcome, lane: Lane): Pick<RunRecord, "faults"> {
  if (lane.director === null) return {};
  const events = [...(lanes.wire?.log.events ?? []), ...lane.director.log.events];
  return { faults: events.map((event) => ({ ...event })) };
}

/** A broken invariant, with the story of the netmem that it is about. */
function violationOf(path: ReceivePath, broken: InvariantViolation): RunRecord["violation"] {
  const { invariant, message, netmem } = broken;
  const told = { invariant: String(invariant), message };
  if (netmem < 0) return told;
  const { words } = path.table;
  const owner = STATE_OWNER[words[netmem * NM_WORDS + NM_STATE]!]!;
  const history = path.ledger.history?.events(netmem);
  return {
    ...told,
    netmem,
    owner: owner === "" ? "provider" : owner,
    lastTransition: TRANSITION_NAME[words[netmem * NM_WORDS + NM_LAST]!]!,
    ...(history === undefined ? {} : { history }),
  };
}

/** The driver's counters; zero ones too, since a kernel prints them. */
function driverOf(path: ReceivePath): Record<string, number> {
  const { names, values } = path.netdev.counters;
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

function hostOf(outcome: Outcome, lane: Lane, opened: number): HostRecord {
  const { path, elapsedNs } = lane;
  const seconds = elapsedNs / 1e9;
  const rate = (amount: number) => (seconds > 0 ? amount / seconds : 0);
  return {
    elapsedNs: Math.round(elapsedNs),
    nsPerPacket: path.packets > 0 ? elapsedNs / path.packets : 0,
    packetsPerSecond: rate(path.packets),
    bitsPerSecond: rate(path.bytes * 8),
    flowsPerSecond: rate(opened * outcome.passes),
    floorNsPerPacket: outcome.floorNs,
    timerOverheadNs: timerOverheadNs(),
    poll: toLatency("host", path.host.poll, LogLinearHistogram),
    packet: toLatency("host", path.host.packet, LogLinearHistogram),
    machine: machine(),
  };
}
