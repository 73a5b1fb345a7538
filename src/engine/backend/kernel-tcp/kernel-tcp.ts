import { FRAME_FRAGMENT, FRAME_TCP, Frame } from "../../wire/frame.js";
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
import { kernelNowNs, sleepNs } from "../clock.js";
import { Mapping } from "../ffi/memory.js";
import { assignAddresses } from "../flows/addresses.js";
import { checksumsRight } from "../flows/checksum.js";
import type { Direction } from "../flows/direction.js";
import { Joiner } from "../flows/joiner.js";
import { Rewriter } from "../flows/rewrite.js";
import { Routes } from "../flows/routes.js";
import { LEFT_OUT, Survey, WAITS } from "../flows/survey.js";
import { Coalescer } from "../inject/coalescer.js";
import { describePacket } from "../inject/describe-packet.js";
import { INJECT_HEADROOM, type Injector, noPacket, type WirePacket } from "../inject/injector.js";
import { MAX_IP_BYTES, splitSegment } from "../inject/split.js";
import { type NetCounters, readCounters } from "../net/counters.js";
import { receiveEverything } from "../net/routes.js";
import { awaitAll, awaitOldest, awaitRoom } from "../receive/holding.js";
import { DRAINED, type Receiver, STALLED } from "../receive/receiver.js";
import { TCP_FIN, TCP_RST, TCP_SYN } from "../sys/tcp.js";
import { CounterTracer } from "./counter-tracer.js";
import { LatencyBook } from "./latency-book.js";
import { type TcpPath, wholePagesOf } from "./path.js";
import { reportOf, totalsOf } from "./report.js";
import { rowOf } from "./rows.js";
import { type Endgame, SocketSet } from "./socket-set.js";
import { Touched } from "./touched.js";

/** Frames lie here; the same size as the capture reader wants, with room for headers in front. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const WINDOW_SLACK = 4096;
/** The sockets are read after so many packets, or so many bytes, at the latest. */
const READ_EVERY_PACKETS = 64;
const READ_EVERY_BYTES = 1 << 20;
/** How long an asynchronous wire may stay silent before what is missing counts as lost. */
const PATIENCE_NS = 1e9;

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
  readonly joiner = new Joiner();
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
  before: NetCounters | null = null;
  after: NetCounters | null = null;
  readonly #memory = new Mapping({ bytes: WINDOW_BYTES + WINDOW_SLACK + INJECT_HEADROOM });
  readonly #view: DataView;
  readonly #sink: StreamSink | null;
  readonly #frame = new Frame();
  readonly #packet: WirePacket;
  readonly #routes = new Routes();
  #at = 0;
  #touched = new Touched(0);
  /** When the packet in hand began to be injected. */
  #stampNs = 0;
  #unreadPackets = 0;
  #unreadBytes = 0;
  readonly #readEvery: number;
  #rows: StreamOutcome[] = [];

  constructor(path: TcpPath, options: NativeOptions, sink: StreamSink | null) {
    this.path = path;
    this.backend = path.backend;
    this.options = options;
    this.#sink = sink;
    this.#readEvery = options.readEvery || READ_EVERY_PACKETS;
    this.flows = new Survey(this.#readEvery === 1);
    this.directions = this.flows.directions;
    const { bytes, view } = this.#memory;
    this.#view = view;
    this.window = { bytes, start: INJECT_HEADROOM, size: WINDOW_BYTES };
    this.#packet = noPacket(this.#memory, !options.verifyChecksums);
  }

  survey(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const view = this.#parse(batch, i);
      const routes = this.#routes;
      routes.push(view === null ? WAITS : this.flows.add(view, this.#frame, routes.count));
      if (view !== null) this.#judge(view);
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
      this.#touched = new Touched(this.directions.length);
      this.before = readCounters();
      const { traced } = this.options;
      if (traced.length > 0) this.tracer = new CounterTracer(traced);
    }
    this.sockets = new SocketSet(this.directions, this.receiver!, this.options.rcvbuf);
    this.sockets.fill();
    this.joiner.restart();
    this.#at = 0;
    this.setupNs += kernelNowNs() - startNs;
  }

  ingest(batch: PacketBatch): void {
    const startNs = kernelNowNs();
    this.#stampNs = startNs;
    for (let i = 0; i < batch.count; i++) {
      this.packets++;
      this.bytes += batch.capturedBytes[i]!;
      const to = this.#routes.of(this.#at++);
      if (to >= 0) this.#replay(batch, i, to);
      else {
        this.leftOut[-to - 1]!++;
        if (to === WAITS) this.#parse(batch, i);
      }
      const due = this.#unreadPackets >= this.#readEvery || this.#unreadBytes >= READ_EVERY_BYTES;
      if (due) this.#readTouched();
      this.tracer?.after(this.#at - 1);
    }
    this.#readTouched();
    this.elapsedNs += kernelNowNs() - startNs;
  }

  endPass(): void {
    const startNs = kernelNowNs();
    for (const direction of this.directions) this.coalescer?.flush(direction);
    this.#readTouched();
    while (this.#touched.count > 0) {
      sleepNs(this.options.readDelayNs);
      awaitRoom(this.receiver!.holding);
      this.#readTouched();
    }
    this.#awaitRest(this.directions);
    const states = this.sockets!.states;
    for (const direction of this.directions) this.#finish(direction, states[direction.index]!);
    this.elapsedNs += kernelNowNs() - startNs;
    awaitAll(this.receiver!.holding);
    this.passes++;
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

  /** Parses a frame; a fragment that completes its datagram is parsed as a whole. */
  #parse(batch: PacketBatch, i: number): DataView | null {
    const frame = this.#frame;
    const captured = batch.capturedBytes[i]!;
    frame.parse(this.#view, batch.offset[i]!, captured, batch.wireBytes[i]!, batch.linkType[i]!);
    if (frame.kind !== FRAME_FRAGMENT) return this.#view;
    const { joiner } = this;
    const bytes = joiner.add(this.#view, frame);
    if (bytes === 0) return null;
    frame.parse(joiner.view, joiner.start, bytes, bytes, joiner.linkType);
    return joiner.view;
  }

  /** Counts what is wrong with a frame of the capture itself. */
  #judge(view: DataView): void {
    const frame = this.#frame;
    if (frame.cutBytes > 0) this.cutFrames++;
    else if (frame.kind === FRAME_TCP && !checksumsRight(view, frame)) this.badChecksums++;
  }

  #replay(batch: PacketBatch, i: number, to: number): void {
    const frame = this.#frame;
    const view = this.#parse(batch, i);
    if (view === null) return;
    const direction = this.directions[to]!;
    const state = this.sockets!.need(direction);
    const seq = (frame.flags & TCP_SYN) !== 0 ? (frame.seq + 1) | 0 : frame.seq;
    const from = direction.offsetOf(seq, state.seen.next);
    if ((frame.flags & TCP_RST) !== 0) this.coalescer?.flush(direction);
    else if (this.coalescer !== null) {
      const fin = (frame.flags & TCP_FIN) !== 0;
      this.coalescer.add(direction, view, frame.payload, from, frame.payloadLen, fin);
      if (this.sockets!.scarce && direction.lastPacket < this.#at) {
        // Its socket is wanted by others: it is looked at, and closed, even if it got nothing.
        this.coalescer.flush(direction);
        this.#touched.add(to, this.#stampNs);
      }
      return;
    }
    const bytes = this.rewriter.rewrite(view, frame, direction);
    const packet = this.#packet;
    const memory = view === this.#view ? this.#memory : this.joiner.memory;
    describePacket(packet, memory, frame, bytes, this.options.verifyChecksums);
    const end = frame.payloadLen > 0 ? from + frame.payloadLen : -1;
    const fin = (frame.flags & TCP_FIN) !== 0 ? from + frame.payloadLen : -1;
    if (fin >= state.seen.next && state.finAt < 0) state.finAt = fin;
    if (bytes <= MAX_IP_BYTES) this.#send(packet, direction, end);
    else {
      this.splits++;
      splitSegment(packet, MAX_IP_BYTES, (part, payloadEnd) =>
        this.#send(part, direction, from + payloadEnd),
      );
    }
  }

  /** Injects one packet; `end` is the offset behind its payload, -1 where it has none. */
  #send(packet: WirePacket, direction: Direction, end: number): void {
    const { book, injector } = this;
    const state = this.sockets!.need(direction);
    const { index } = direction;
    const payload = packet.bytes - packet.headerBytes;
    this.mappableBytes += wholePagesOf(packet, this.path.frameHeadBytes ?? 0);
    const late = state.finAt >= 0 && state.seen.next >= state.finAt;
    const isNew = end > state.seen.next && !late;
    if (state.unreadEnd <= state.delivered) state.unreadEnd = end;
    // One reading of the clock a packet: it ends this injection and begins the next.
    if (isNew) book!.injected(index, end, this.#stampNs);
    injector!.inject(packet);
    this.injected++;
    if (isNew && state.seen.add(end - payload, end) && !injector!.asynchronous) {
      this.#stampNs = kernelNowNs();
      book!.readable(index, state.seen.next, this.#stampNs);
    }
    this.#touched.add(index, this.#stampNs);
    this.#unreadPackets++;
    this.#unreadBytes += packet.bytes;
  }

  /** Reads every socket that was sent something since it was read last, after `--read-delay`. */
  #readTouched(): void {
    this.options.look?.();
    this.injector!.flush();
    if (this.injector!.asynchronous) this.#flushed();
    this.receiver!.holding?.release();
    const { readDelayNs } = this.options;
    const untilNs = readDelayNs > 0 ? kernelNowNs() - readDelayNs : Number.POSITIVE_INFINITY;
    this.#touched.take(untilNs, this.#readOne);
    this.#stampNs = kernelNowNs();
    this.#unreadPackets = 0;
    this.#unreadBytes = 0;
  }

  /** What was flushed went up to its sockets in the meantime, but for what the wire still holds. */
  #flushed(): void {
    const now = kernelNowNs();
    for (let i = 0; i < this.#touched.count; i++) {
      const index = this.#touched.at(i);
      this.book!.readable(index, this.sockets!.states[index]!.seen.next, now);
    }
  }

  readonly #readOne = (index: number): boolean => {
    const state = this.sockets!.states[index]!;
    const direction = this.directions[index]!;
    const done = this.#read(index, state);
    if (!this.sockets!.scarce || direction.lastPacket >= this.#at) return done;
    this.#finish(direction, state);
    return true;
  };

  /** Reads what is readable; false where more could be read if less were held. */
  #read(index: number, state: Endgame): boolean {
    if (state.fd < 0 || state.end !== DRAINED) return true;
    const before = state.delivered;
    const sink = this.#sink;
    const end = this.receiver!.read(
      state.fd,
      (bytes) => {
        state.delivered += bytes.length;
        sink?.deliver(index, bytes);
      },
      state.unreadEnd - before,
    );
    if (end !== STALLED) state.end = end;
    if (state.delivered === before) return end !== STALLED;
    this.deliveredBytes += state.delivered - before;
    this.book!.read(index, state.delivered, kernelNowNs());
    return end !== STALLED;
  }

  /** Reads a socket to its end, and closes it where others wait for its place. */
  #finish(direction: Direction, state: Endgame): void {
    if (state.fd < 0) return;
    if (this.sockets!.scarce) this.#awaitRest([direction]);
    let before = -1;
    while (state.end === DRAINED && state.delivered > before) {
      before = state.delivered;
      while (!this.#read(direction.index, state)) awaitOldest(this.receiver!.holding);
    }
    if (this.sockets!.scarce) {
      this.sockets!.close(state);
      this.sockets!.fill();
    }
  }

  /** Where the wire is asynchronous: waits for what must still come, as long as some of it does. */
  #awaitRest(directions: readonly Direction[]): void {
    if (!this.injector!.asynchronous) return;
    const states = this.sockets!.states;
    let progressNs = kernelNowNs();
    let open = directions.filter(({ index }) => states[index]!.fd >= 0);
    while (open.length > 0 && kernelNowNs() - progressNs < PATIENCE_NS) {
      const had = this.deliveredBytes;
      this.options.look?.();
      this.receiver!.holding?.release();
      for (const { index } of open) {
        if (!this.#read(index, states[index]!)) progressNs = kernelNowNs();
      }
      open = open.filter((direction) => {
        const { delivered, end } = states[direction.index]!;
        const quiet = !direction.finished && !direction.reset;
        return end === DRAINED && (delivered < direction.seen.next || !quiet);
      });
      if (this.deliveredBytes > had) progressNs = kernelNowNs();
    }
  }
}
