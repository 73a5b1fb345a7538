import type { NativeReport, NativeTotals } from "../backend.js";
import { LEFT_OUT } from "../flows/survey.js";
import { countedBetween, readCounters, socketsInUse } from "../net/counters.js";
import { interfaceIndex } from "../net/device.js";
import type { KernelTcp } from "./kernel-tcp.js";
import { emptyStages } from "./latency-book.js";

/**
 * Drop reasons (include/net/dropreason-core.h) by the counter that says how often they were, in
 * net/ipv4/tcp_input.c and tcp_ipv4.c. BeyondWindow (6.17 and later; older kernels count it
 * nowhere) also has segments that only end beyond the window, TCP_INVALID_END_SEQUENCE: no counter
 * tells the two apart. OfoPruned counts the times, not the skbs. DelayedACKLost and TCPChallengeACK
 * are raised for several reasons, and for what is no drop.
 */
const DROPS: Readonly<Record<string, string>> = {
  IpInCsumErrors: "IP_CSUM",
  TcpInCsumErrors: "TCP_CSUM",
  PAWSEstab: "TCP_RFC7323_PAWS",
  PAWSOldAck: "TCP_RFC7323_PAWS_ACK",
  BeyondWindow: "TCP_INVALID_SEQUENCE",
  TCPSYNChallenge: "TCP_INVALID_SYN",
  TCPOFOMerge: "TCP_OFOMERGE",
  TCPOFODrop: "PROTO_MEM",
  TCPRcvQDrop: "PROTO_MEM",
  TCPZeroWindowDrop: "TCP_ZEROWINDOW",
  OfoPruned: "TCP_OFO_QUEUE_PRUNE",
};

/** What a kernel's TCP backend tells of its replay. */
export function reportOf(run: KernelTcp): NativeReport {
  const counted =
    run.before === null || run.after === null ? {} : countedBetween(run.before, run.after);
  const drops = dropsIn(counted);
  const left = [...run.leftOut].map((count, i) => [LEFT_OUT[i]!, count] as const);
  return {
    backend: run.backend,
    provider: run.provider,
    packets: run.packets,
    bytes: run.bytes,
    deliveredBytes: run.deliveredBytes,
    badChecksums: run.badChecksums,
    cutFrames: run.cutFrames,
    injected: run.injected,
    leftOut: Object.fromEntries(left.filter(([, count]) => count > 0)),
    times: {
      ...(run.book?.times ?? emptyStages()),
      hold: run.receiver?.hold ?? emptyStages().hold,
    },
    copies: {
      injection: run.injector?.copies ?? 0,
      receivedBytes: run.receiver?.copiedBytes ?? 0,
      mappedBytes: run.receiver?.mappedBytes ?? 0,
      mappableBytes: run.mappableBytes,
    },
    altered: {
      acksRewritten: run.rewriter.acks,
      mappedConnections: run.mapped,
      joinedDatagrams: run.joiner.joined,
      splitPackets: run.splits,
      signaturesRemoved: run.rewriter.signatures,
      coalescedSegments: run.coalescer?.segments ?? 0,
    },
    tcp: counted,
    drops,
    driver: { refused: run.injector?.refused ?? 0 },
    pool: run.pool,
    leaks: {},
    dma: { bytes: 0, copies: 0 },
    recycle: run.pool === null ? null : { handedOut: run.pool.hold, givenBack: run.pool.release },
    rcvbuf: run.sockets?.rcvbuf ?? null,
    left: {
      sockets: socketsInUse(),
      mappedPages: run.receiver?.heldPages ?? 0,
      interfaces: run.injector !== null && interfaceIndex(run.injector.device) > 0 ? 1 : 0,
    },
    setupNs: run.setupNs,
    teardownNs: run.teardownNs,
    trace: run.tracer?.steps ?? [],
    elapsedNs: run.elapsedNs,
    notes: notesOf(run),
  };
}

/** Where a replay stands; the kernel's counters are read anew. */
export function totalsOf(run: KernelTcp): NativeTotals {
  const { packets, bytes, deliveredBytes, before, book } = run;
  const drops = dropsIn(before === null ? {} : countedBetween(before, readCounters()));
  const dropped = Object.values(drops).reduce((sum, times) => sum + times, 0);
  const { deliver } = book!.times;
  return { packets, bytes, deliveredBytes, drops: dropped, deliver, owners: null };
}

function dropsIn(counted: Readonly<Record<string, number>>): Record<string, number> {
  const drops: Record<string, number> = {};
  for (const [counter, reason] of Object.entries(DROPS)) {
    const count = counted[counter];
    if (count !== undefined) drops[reason] = (drops[reason] ?? 0) + count;
  }
  return drops;
}

function notesOf({ path, options }: KernelTcp): readonly string[] {
  const { notes, holdNote } = path;
  return options.holdNs > 0 && holdNote !== undefined ? [...notes, holdNote] : notes;
}
