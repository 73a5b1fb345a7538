import { sumStats } from "../../page-pool/pool-stats.js";
import { countOwners, OWNER_COLUMNS } from "../../probe/owner-series.js";
import type { NativeReport, NativeTotals } from "../backend.js";
import type { AfXdp } from "./af-xdp.js";
import { CHUNK_BYTES } from "./umem-path.js";

/** What the af-xdp backend tells of its replay. */
export function reportOf(run: AfXdp): NativeReport {
  const { path, queue, owners, left } = run;
  const { reader, stages, pool } = path;
  stages.settle();
  const out = owners === null ? 0 : owners.stack + owners.app;
  const chunks = queue?.chunks ?? 0;
  const lost = queue?.lost ?? 0;
  const drops = { ...path.drops.nonZero() };
  if (lost > 0) drops.RX_HW_DROP_OVERRUNS = lost;
  return {
    backend: run.backend,
    provider: run.provider,
    packets: run.packets,
    bytes: run.bytes,
    deliveredBytes: reader.deliveredBytes,
    badChecksums: run.badChecksums,
    cutFrames: run.cutFrames,
    injected: run.injected,
    leftOut: run.refused > 0 ? { refused: run.refused } : {},
    times: stages,
    copies: {
      injection: run.zeroCopy ? 1 : 2,
      receivedBytes: 0,
      mappedBytes: reader.deliveredBytes,
      mappableBytes: reader.deliveredBytes,
    },
    altered: {
      acksRewritten: 0,
      mappedConnections: 0,
      joinedDatagrams: 0,
      splitPackets: 0,
      coalescedSegments: 0,
    },
    dma: { bytes: queue?.bytes ?? 0, copies: chunks },
    tcp: path.tcp.mib.nonZero(),
    drops,
    driver: driverCounters(run),
    pool: {
      hold: pool.holdCnt,
      release: pool.releaseCnt,
      inflight: pool.inflight,
      stats: sumStats([{ stats: run.poolStats ?? pool.stats }]),
      releases: [],
    },
    leaks: { driver: left?.driver ?? 0, stack: left?.stack ?? 0, app: left?.app ?? 0 },
    recycle: { handedOut: chunks, givenBack: chunks - out },
    rcvbuf: run.rcvbuf,
    left: { sockets: 0, mappedPages: 0, interfaces: run.interfacesLeft },
    setupNs: run.setupNs,
    teardownNs: run.teardownNs,
    trace: [],
    elapsedNs: run.elapsedNs,
    notes: notesOf(run),
  };
}

/** Where a replay stands. */
export function totalsOf(run: AfXdp): NativeTotals {
  const { path, queue, packets, bytes } = run;
  const { reader, stages, ledger, pool, drops } = path;
  stages.settle();
  const dropped = drops.values.reduce((sum, times) => sum + times, 0);
  const owners = new Int32Array(OWNER_COLUMNS);
  countOwners({ ledger, payloadPools: () => [pool.number] }, owners, 0);
  return {
    packets,
    bytes,
    deliveredBytes: reader.deliveredBytes,
    drops: dropped + (queue?.lost ?? 0),
    deliver: stages.deliver,
    owners: Array.from(owners),
  };
}

/** XDP_STATISTICS, and the UMEM's chunks by owner when the last pass ended. */
function driverCounters(run: AfXdp): Record<string, number> {
  const { queue, owners, statistics } = run;
  const counters: Record<string, number> = {
    rx_packets: queue?.frames ?? 0,
    rx_bytes: queue?.bytes ?? 0,
    refused: run.refused,
    ...statistics,
  };
  if ((queue?.unallocated ?? 0) > 0) counters.rx_no_skb = queue!.unallocated;
  if (owners === null) return counters;
  return {
    ...counters,
    umem_chunks: owners.total,
    umem_fill: owners.driver,
    umem_stack: owners.stack,
    umem_app: owners.app,
    umem_pool: owners.pool,
    umem_free: owners.free,
  };
}

function notesOf({ zeroCopy, options, wire }: AfXdp): string[] {
  const notes = [
    ...(wire === null ? [] : [wire.note]),
    zeroCopy
      ? "receive: the driver writes into the UMEM itself (XDP_ZEROCOPY)"
      : "receive: XDP redirect copies it into the UMEM (XDP_COPY: the driver has no XDP_ZEROCOPY)",
    "user space copies nothing: page pool, TCP and application of the engine run on the UMEM",
  ];
  const { netmemBytes } = options.engine;
  if (netmemBytes !== CHUNK_BYTES) {
    notes.push(`a chunk has ${CHUNK_BYTES} bytes, not the ${netmemBytes} of --buffer-size`);
  }
  return notes;
}
