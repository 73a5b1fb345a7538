import type { PacketBatch } from "../../wire/packet-batch.js";
import type {
  FrameWindow,
  NativeBackend,
  NativeOptions,
  NativePool,
  NativeReport,
  NativeTotals,
  StreamOutcome,
  StreamSink,
} from "../backend.js";
import { kernelNowNs } from "../clock.js";
import { Mapping } from "../ffi/memory.js";
import { assignAddresses } from "../flows/addresses.js";
import { checksumsWrong, headerRight, spoilHeader } from "../flows/checksum.js";
import type { Direction } from "../flows/direction.js";
import { FrameParser } from "../flows/frame-parser.js";
import type { Joiner } from "../flows/joiner.js";
import { NOBODY_V4, NOBODY_V6 } from "../flows/nobody.js";
import { Rewriter } from "../flows/rewrite.js";
import { Routes } from "../flows/routes.js";
import { DOOMED, LEFT_OUT, Survey, WAITS } from "../flows/survey.js";
import { Coalescer } from "../inject/coalescer.js";
import { describePacket } from "../inject/describe-packet.js";
import { INJECT_HEADROOM, type Injector, noPacket, type WirePacket } from "../inject/injector.js";
import { MAX_IP_BYTES, splitSegment } from "../inject/split.js";
import { type NetCounters, readCounters } from "../net/counters.js";
import { receiveEverything } from "../net/routes.js";
import { awaitAll } from "../receive/holding.js";
import type { Receiver } from "../receive/receiver.js";
import { TCP_FIN, TCP_RST, TCP_SYN } from "../sys/tcp.js";
import { CounterTracer } from "./counter-tracer.js";
import { LatencyBook } from "./latency-book.js";
import { type TcpPath, wholePagesOf } from "./path.js";
import { Reading } from "./reading.js";
import { reportOf, totalsOf } from "./report.js";
import { rowOf } from "./rows.js";
import { SocketSet } from "./socket-set.js";

/** Frames lie here; the same size as the capture reader wants, with room for headers in front. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const WINDOW_SLACK = 4096;

/**
 * Linux TCP as the receiver: its own sockets, put into ESTABLISHED at the capture's sequence
 * numbers, take the capture's own packets.
 *
 *      capture -> survey: connections, starts, holes
 *      capture -> rewrite -> injector ~ wire ~> kernel: IP, TCP -> socket -> receiver -> sink
 *
 * Runs in a process and a network namespace of its own.
 */
export class KernelTcp implements NativeBackend {
  readonly backend: string;
  readonly provider: string = "kernel";
  readonly clock = "kernel";
  readonly surveys = true;
  readonly window: FrameWindow;
  readonly flows: Survey;
  readonly directions: readonly Direction[];
  readonly path: TcpPath;
  readonly options: NativeOptions;
  readonly rewriter = new Rewriter();
  readonly joiner: Joiner;
  /** Counts over LEFT_OUT. */
  readonly leftOut = new Float64Array(LEFT_OUT.length);
  injector: Injector | null = null;
  receiver: Receiver | null = null;
  coalescer: Coalescer | null = null;
  sockets: SocketSet | null = null;
  book: LatencyBook | null = null;
  tracer: CounterTracer | null = null;
  pool: NativePool | null = null;
  mapped = 0;
  badChecksums = 0;
  cutFrames = 0;
  splits = 0;
  packets = 0;
  bytes = 0;
  injected = 0;
  deliveredBytes = 0;
  mappableBytes = 0;
  setupNs = 0;
  teardownNs = 0;
  elapsedNs = 0;
  passes = 0;
  /** Number of the packet that is next. */
  at = 0;
  before: NetCounters | null = null;
  after: NetCounters | null = null;
  readonly #memory = new Mapping({ bytes: WINDOW_BYTES + WINDOW_SLACK + INJECT_HEADROOM });
  readonly #view: DataView;
  readonly #parser: FrameParser;
  readonly #packet: WirePacket;
  readonly #routes = new Routes();
  readonly #reading: Reading;
  #rows: StreamOutcome[] = [];

  constructor(path: TcpPath, options: NativeOptions, sink: StreamSink | null) {
    this.path = path;
    this.backend = path.backend;
    this.options = options;
    this.#reading = new Reading(this, sink);
    this.flows = new Survey(this.#reading.atOnce);
    this.directions = this.flows.directions;
    const { bytes, view } = this.#memory;
    this.#view = view;
    this.#parser = new FrameParser(view);
    this.joiner = this.#parser.joiner;
    this.window = { bytes, start: INJECT_HEADROOM, size: WINDOW_BYTES };
    this.#packet = noPacket(this.#memory, !options.verifyChecksums);
  }

  survey(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const view = this.#parser.parse(batch, i);
      this.#routes.push(view === null ? WAITS : this.#route(view));
    }
  }

  begin(): void {
    const startNs = kernelNowNs();
    if (this.injector === null) {
      this.mapped = assignAddresses(this.flows.connections);
      this.injector = this.path.makeInjector();
      receiveEverything(this.injector.device);
      this.receiver = this.path.makeReceiver(this.options);
      if (this.options.coalesceBytes > 0) {
        // Rebuilt segments carry no options.
        for (const direction of this.directions) direction.timestamps = false;
        this.coalescer = new Coalescer(this.options.coalesceBytes, (packet, direction, end) =>
          this.#send(packet, direction, end),
        );
      }
      this.book = new LatencyBook(this.directions.length);
      this.#reading.begin(this.directions.length);
      this.before = readCounters();
      const { traced } = this.options;
      if (traced.length > 0) this.tracer = new CounterTracer(traced);
    }
    this.sockets = new SocketSet(this.directions, this.receiver!, this.options.rcvbuf);
    this.sockets.fill();
    this.joiner.restart();
    this.at = 0;
    this.setupNs += kernelNowNs() - startNs;
  }

  ingest(batch: PacketBatch): void {
    const startNs = kernelNowNs();
    const reading = this.#reading;
    reading.stampNs = startNs;
    for (let i = 0; i < batch.count; i++) {
      this.packets++;
      this.bytes += batch.capturedBytes[i]!;
      const to = this.#routes.of(this.at++);
      if (to >= 0) this.#replay(batch, i, to);
      else if (to === DOOMED) this.#refuse(batch, i);
      else {
        this.leftOut[-to - 1]!++;
        if (to === WAITS) this.#parser.parse(batch, i);
      }
      if (reading.due) reading.readTouched();
      this.tracer?.after(this.at - 1);
    }
    reading.readTouched();
    this.elapsedNs += kernelNowNs() - startNs;
  }

  endPass(): void {
    const startNs = kernelNowNs();
    for (const direction of this.directions) this.coalescer?.flush(direction);
    this.#reading.readRest();
    this.elapsedNs += kernelNowNs() - startNs;
    awaitAll(this.receiver!.holding);
    this.passes++;
    const { states } = this.sockets!;
    this.#rows = this.directions.map((direction) => {
      const { index } = direction;
      return rowOf(direction, this.directions[index ^ 1]!, states[index]!);
    });
    this.after = readCounters();
    if (this.path.settle === undefined) this.sockets!.closeAll();
  }

  streams(): StreamOutcome[] {
    return this.#rows;
  }

  totals(): NativeTotals {
    return totalsOf(this);
  }

  restart(): void {
    this.sockets!.closeAll();
    this.book!.clear();
    this.coalescer?.restart();
  }

  teardown(): void {
    const startNs = kernelNowNs();
    // With a pool to watch the wire goes first: what is still unread outlives it.
    if (this.path.settle !== undefined) this.injector?.close();
    this.sockets?.closeAll();
    this.receiver?.close();
    if (this.path.settle === undefined) this.injector?.close();
    this.pool ??= this.path.settle?.() ?? null;
    this.coalescer?.release();
    this.joiner.release();
    this.#memory.release();
    this.teardownNs = kernelNowNs() - startNs;
  }

  report(): NativeReport {
    return reportOf(this);
  }

  /** Where a frame goes; what is wrong with it in the capture itself is counted. */
  #route(view: DataView): number {
    const { frame } = this.#parser;
    if (frame.cutBytes > 0) this.cutFrames++;
    if (checksumsWrong(view, frame)) {
      this.badChecksums++;
      if (this.options.verifyChecksums) return DOOMED;
    }
    return this.flows.add(view, frame, this.#routes.count);
  }

  #replay(batch: PacketBatch, i: number, to: number): void {
    const { frame } = this.#parser;
    const view = this.#parser.parse(batch, i);
    if (view === null) return;
    const direction = this.directions[to]!;
    const state = this.sockets!.need(direction);
    const seq = (frame.flags & TCP_SYN) !== 0 ? (frame.seq + 1) | 0 : frame.seq;
    const from = direction.offsetOf(seq, state.seen.next);
    if ((frame.flags & TCP_RST) !== 0) this.coalescer?.flush(direction);
    else if (this.coalescer !== null) {
      const fin = (frame.flags & TCP_FIN) !== 0;
      this.coalescer.add(direction, view, frame.payload, from, frame.payloadLen, fin);
      if (this.sockets!.scarce && direction.lastPacket < this.at) {
        // Its socket is wanted by others: it is looked at, and closed, even if it got nothing.
        this.coalescer.flush(direction);
        this.#reading.touch(to);
      }
      return;
    }
    const bytes = this.rewriter.rewrite(view, frame, direction);
    const end = frame.payloadLen > 0 ? from + frame.payloadLen : -1;
    const fin = (frame.flags & TCP_FIN) !== 0 ? from + frame.payloadLen : -1;
    if (fin >= state.seen.next && state.finAt < 0) state.finAt = fin;
    const packet = this.#describe(view, bytes);
    if (bytes <= MAX_IP_BYTES) this.#send(packet, direction, end);
    else {
      this.splits++;
      splitSegment(packet, MAX_IP_BYTES, (part, payloadEnd) =>
        this.#send(part, direction, from + payloadEnd),
      );
    }
  }

  /** The packet that was made fit last: `bytes` of it in the memory of `view`. */
  #describe(view: DataView, bytes: number): WirePacket {
    const packet = this.#packet;
    const memory = view === this.#view ? this.#memory : this.joiner.memory;
    describePacket(packet, memory, this.#parser.frame, bytes, this.options.verifyChecksums);
    return packet;
  }

  /** Injects a frame that the kernel drops before it looks for a socket, or before that sees it. */
  #refuse(batch: PacketBatch, i: number): void {
    const { frame } = this.#parser;
    const view = this.#parser.parse(batch, i);
    if (view === null) return;
    const spoilt = !headerRight(view, frame);
    const to = frame.version === 6 ? NOBODY_V6 : NOBODY_V4;
    const bytes = this.rewriter.rewrite(view, frame, to);
    if (spoilt) spoilHeader(view, frame.l3);
    const packet = this.#describe(view, bytes);
    if (bytes <= MAX_IP_BYTES) this.#put(packet);
    else {
      this.splits++;
      splitSegment(packet, MAX_IP_BYTES, (part) => this.#put(part));
    }
  }

  /** Injects one packet; `end` is the offset behind its payload, -1 where it has none. */
  #send(packet: WirePacket, direction: Direction, end: number): void {
    const { book, injector } = this;
    const reading = this.#reading;
    const state = this.sockets!.need(direction);
    const { index } = direction;
    if (!state.hasRoom(packet.bytes)) reading.readAhead(index, state);
    state.charge(packet.bytes);
    const payload = packet.bytes - packet.headerBytes;
    this.mappableBytes += wholePagesOf(packet, this.path.frameHeadBytes ?? 0);
    const late = state.finAt >= 0 && state.seen.next >= state.finAt;
    const isNew = end > state.seen.next && !late;
    if (state.unreadEnd <= state.delivered) state.unreadEnd = end;
    // One reading of the clock a packet: it ends this injection and begins the next.
    if (isNew) book!.injected(index, end, reading.stampNs);
    this.#put(packet);
    if (isNew && state.seen.add(end - payload, end) && !injector!.asynchronous) {
      reading.stampNs = kernelNowNs();
      book!.readable(index, state.seen.next, reading.stampNs);
    }
    reading.touch(index);
  }

  #put(packet: WirePacket): void {
    this.injector!.inject(packet);
    this.injected++;
    this.#reading.sent(packet.bytes);
  }
}
