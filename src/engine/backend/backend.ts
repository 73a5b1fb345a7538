import type { LogLinearHistogram } from "../probe/histogram.js";
import type { ReceiveOptions } from "../receive-options.js";
import type { PacketBatch } from "../wire/packet-batch.js";
import type { ZeroCopyLink } from "./zero-copy/link.js";
import type { Upsettable } from "./zero-copy/upsettable.js";

/**
 * What every machine under test is to a replay, the model and the real kernels alike.
 *
 *      survey(batch) ...  once over the capture, where `surveys` says so: flows, starts, holes
 *      begin()            a pass: sockets are opened, rings filled
 *      ingest(batch) ...  the packets of the pass, in order
 *      endPass()          everything is delivered and given back
 *      restart()          the next pass may begin
 *      teardown()         whatever was set up is taken down; safe at any time, and twice
 *
 * A batch's frames may be changed in place by `ingest`; they are the backend's until it returns.
 */
export interface Backend {
  /** Name as `--backend` takes it. */
  readonly backend: string;
  /** Whose clock stamps the latencies of the record. */
  readonly clock: "model" | "kernel";
  /** True where the whole capture has to be seen before the first packet is replayed. */
  readonly surveys: boolean;
  survey(batch: PacketBatch): void;
  begin(): void;
  ingest(batch: PacketBatch): void;
  endPass(): void;
  restart(): void;
  teardown(): void;
}

/** Where a reader puts frames; the same shape as the capture reader's window. */
export interface FrameWindow {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly size: number;
}

/** What takes the bytes that a stream's application reads, in order; `stream` is a row number. */
export interface StreamSink {
  /** `bytes` is valid during the call alone. */
  deliver(stream: number, bytes: Uint8Array): void;
}

/** One direction of one connection, as the capture names it and as it was delivered. */
export interface StreamOutcome {
  /** 4 or 16 bytes. */
  readonly src: Uint8Array;
  readonly sport: number;
  readonly dst: Uint8Array;
  readonly dport: number;
  /** Bytes that the application read. */
  readonly bytes: number;
  /** Whether the capture has payload of this direction. */
  readonly payload: boolean;
  /** Holes behind which the capture has data. */
  readonly gaps: number;
  readonly end: "fin" | "rst" | "hole" | "open";
  readonly midStream: boolean;
  readonly oneSided: boolean;
  /** Bytes readable before the first hole, as the capture alone tells it. */
  readonly readableBytes: number;
  /** Number of the packet (from 0) behind which the first hole opens; -1 where there is none. */
  readonly holeAtPacket: number;
}

/** Latencies of a native run, by the record's stage names; a stage that has none is empty. */
export type StageTimes = Readonly<Record<StageName, LogLinearHistogram>>;
/** Names of the record's latency stages. */
export type StageName = "driver" | "stack" | "app" | "hold" | "pool" | "deliver" | "lifetime";

/** How often, and where, payload was copied on its way. */
export interface CopyCounts {
  /** Copies of each payload byte on the way into the machine (what a NIC's DMA would do). */
  readonly injection: number;
  /** Bytes copied from kernel to user memory. */
  readonly receivedBytes: number;
  /** Bytes that the application read where they lay. */
  readonly mappedBytes: number;
  /** Bytes that lay in whole pages, and so could have been mapped. */
  readonly mappableBytes: number;
}

/** What was changed about the packets so that a kernel takes them. */
export interface Alterations {
  /** Packets whose ACK field was set to the socket's own. */
  readonly acksRewritten: number;
  /** Connections whose addresses were replaced by ones of the run. */
  readonly mappedConnections: number;
  /** Datagrams that came in IP fragments and were injected whole. */
  readonly joinedDatagrams: number;
  /** Packets cut in two because they exceed 64 KiB. */
  readonly splitPackets: number;
  /** Packets whose TCP-MD5 or TCP-AO signature was taken off; absent where nobody would look. */
  readonly signaturesRemoved?: number;
  /** Segments that `--coalesce` made, in place of the capture's. */
  readonly coalescedSegments: number;
}

/** A counter that a packet moved: its value from then on, counted from the start of the run. */
export interface CounterStep {
  readonly name: string;
  /** Packet of the capture, from 0. */
  readonly packet: number;
  readonly value: number;
}

/** What was left at the end; every number must be 0. */
export interface Leftovers {
  readonly sockets: number;
  readonly mappedPages: number;
  readonly interfaces: number;
}

/** The page_pool's account: of the real one over its tracepoints, or of the engine's own. */
export interface NativePool {
  readonly hold: number;
  readonly release: number;
  readonly inflight: number;
  /** Counters by the record's names, where the backend's pool has them. */
  readonly stats: Readonly<Record<string, number>>;
  /** What page_pool_release said while a pool was destroyed in flight: inflight, in order. */
  readonly releases: readonly number[];
}

/** Everything that a native backend tells of a replay; plain data, so that it crosses processes. */
export interface NativeReport {
  readonly backend: string;
  readonly provider: string;
  readonly packets: number;
  readonly bytes: number;
  readonly deliveredBytes: number;
  /** Of the capture: segments with a wrong checksum, and those that the snapshot length cut. */
  readonly badChecksums: number;
  readonly cutFrames: number;
  /** Packets that reached the machine, and those left out by reason. */
  readonly injected: number;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly times: StageTimes;
  readonly copies: CopyCounts;
  readonly altered: Alterations;
  /** Bytes placed in netmems, and the copies that did it. */
  readonly dma: { readonly bytes: number; readonly copies: number };
  readonly tcp: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
  readonly driver: Readonly<Record<string, number>>;
  readonly pool: NativePool | null;
  /** Netmems that did not come back, by the record's owners; all 0 where there are none. */
  readonly leaks: Readonly<Record<string, number>>;
  readonly recycle: { readonly handedOut: number; readonly givenBack: number } | null;
  readonly rcvbuf: { readonly min: number; readonly max: number } | null;
  readonly left: Leftovers;
  readonly setupNs: number;
  readonly teardownNs: number;
  /** How the traced counters moved. */
  readonly trace: readonly CounterStep[];
  /** Time spent injecting and receiving. */
  readonly elapsedNs: number;
  /** Sentences for the report: how the capture's packets got in, and what was copied where. */
  readonly notes: readonly string[];
}

/** Running totals of a native run, of which an interval is the difference of two. */
export interface NativeTotals {
  readonly packets: number;
  readonly bytes: number;
  readonly deliveredBytes: number;
  /** Packets, for any reason. */
  readonly drops: number;
  /** Latencies from arrival to read; the same object each time. */
  readonly deliver: LogLinearHistogram;
  /** Netmems by owner, in the order of OWNERS; null where the backend cannot know. */
  readonly owners: readonly number[] | null;
}

/** A backend that runs in a process of its own, through a real kernel. */
export interface NativeBackend extends Backend {
  readonly provider: string;
  readonly window: FrameWindow;
  /** What can be upset from outside; absent where nothing can. */
  readonly upsettable?: Upsettable;
  /** Rows of the pass that ended last. */
  streams(): StreamOutcome[];
  /** Where a run stands; valid from {@link Backend.begin} to {@link Backend.teardown}. */
  totals(): NativeTotals;
  /** Valid after {@link Backend.teardown}. */
  report(): NativeReport;
}

/** What every native backend is made from; a backend may read more of its own. */
export interface NativeOptions {
  readonly readSizeBytes: number;
  readonly readDelayNs: number;
  readonly holdNs: number;
  /** Receive buffer asked for, bytes; `capture` and `auto` leave it to the backend. */
  readonly rcvbuf: "capture" | "auto" | number;
  /** Payload bytes of a rebuilt segment; 0 leaves the capture's segments as they are. */
  readonly coalesceBytes: number;
  /** Packets between two looks at the sockets at most; 0 leaves it to the backend. */
  readonly readEvery: number;
  /** TCP counters whose changes are noted packet by packet; none costs nothing. */
  readonly traced: readonly string[];
  /**
   * Called before the sockets are read or waited for, at the latest every some 64 packets: whoever
   * cuts the run into intervals looks at the clock. Null where nobody does.
   */
  readonly look: (() => void) | null;
  readonly verifyChecksums: boolean;
  /** The device of the real zero-copy providers, where one is named. */
  readonly link: ZeroCopyLink | null;
  /** Options of the receive path, for backends that run the engine on memory of the kernel. */
  readonly engine: ReceiveOptions;
}

/** How a native backend is made: the one thing that its folder exports to the list of backends. */
export type MakeNative = (options: NativeOptions, sink: StreamSink | null) => NativeBackend;
