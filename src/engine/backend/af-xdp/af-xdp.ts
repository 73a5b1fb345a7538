import { FRAME_TCP, Frame } from "../../wire/frame.js";
import type { PacketBatch } from "../../wire/packet-batch.js";
import type {
  FrameWindow,
  MakeNative,
  NativeBackend,
  NativeOptions,
  NativeReport,
  NativeTotals,
  StreamOutcome,
  StreamSink,
} from "../backend.js";
import { kernelNowNs } from "../clock.js";
import { libc } from "../ffi/libc.js";
import { checksumsRight } from "../flows/checksum.js";
import { interfaceIndex } from "../net/device.js";
import { NicWire } from "./nic-wire.js";
import { outcomeOf } from "./outcome.js";
import { reportOf, totalsOf } from "./report.js";
import { TapWire } from "./tap-wire.js";
import { UmemPath } from "./umem-path.js";
import type { XdpWire } from "./xdp-wire.js";
import type { XskQueue } from "./xsk-queue.js";
import { type XskEntries, XskSocket } from "./xsk-socket.js";

const DEVICE = "nmtap0";
/** Frames lie here; the same size as the capture reader wants. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const WINDOW_SLACK = 4096;
/** The longest frame takes 19 descriptors, and several must fit. */
const LEAST_RING = 64;
/** The fill ring is a quarter of the RX ring, as fbnic's buffer rings are of its completions. */
const RX_TO_FILL = 4;
/** How long the end of a pass waits for what was read to be given back, in what steps at most. */
const HOLD_WAIT_NS = 1e9;
const STEP_MS = 20;
/** How long a real wire may be silent before what is missing counts as lost. */
const PATIENCE_NS = 50e6;
const WAIT_MS = 10;

/**
 * `af-xdp`: the kernel puts the capture's frames into a UMEM, and the engine runs on it: its driver
 * has the UMEM's rings, its page pool the chunks, its application reads in place.
 *
 *      capture window -write()-> TAP -> XDP redirect -> UMEM, RX ring -> driver ... reader
 *                       copy 1                copy 2                    no copy
 *
 * With `--interface` and `--peer` a NIC port takes the place of TAP.
 */
export class AfXdp implements NativeBackend {
  readonly backend = "af-xdp";
  readonly provider = "umem";
  readonly clock = "kernel";
  /** Only to count what is wrong with the capture's frames. */
  readonly surveys = true;
  readonly window: FrameWindow;
  readonly options: NativeOptions;
  readonly path: UmemPath;
  wire: XdpWire | null = null;
  socket: XskSocket | null = null;
  queue: XskQueue | null = null;
  packets = 0;
  bytes = 0;
  injected = 0;
  /** Frames that TAP would not take. */
  refused = 0;
  badChecksums = 0;
  cutFrames = 0;
  setupNs = 0;
  teardownNs = 0;
  elapsedNs = 0;
  /** Who had the chunks when the last pass ended, and what was out when the socket was closed. */
  owners: ReturnType<UmemPath["owners"]> | null = null;
  left: ReturnType<UmemPath["owners"]> | null = null;
  poolStats: Float64Array | null = null;
  statistics: Record<string, number> = {};
  zeroCopy = false;
  rcvbuf: { min: number; max: number } | null = null;
  interfacesLeft = 0;
  readonly #frame = new Frame();
  readonly #entries: XskEntries;
  readonly #pollAt: number;
  #rows: StreamOutcome[] = [];
  #down = false;

  constructor(options: NativeOptions, sink: StreamSink | null) {
    this.options = options;
    const rx = Math.max(options.engine.ring, LEAST_RING);
    const fill = Math.max(rx / RX_TO_FILL, LEAST_RING);
    this.#entries = { rx, fill };
    this.#pollAt = Math.min(options.readEvery || options.engine.budget, fill / 2);
    this.path = new UmemPath(options.engine, WINDOW_BYTES + WINDOW_SLACK, fill, sink);
    this.window = { bytes: this.path.arena.bytes, start: 0, size: WINDOW_BYTES };
  }

  survey(batch: PacketBatch): void {
    const frame = this.#frame;
    const { view } = this.path.arena;
    for (let i = 0; i < batch.count; i++) {
      const { offset, capturedBytes, wireBytes, linkType } = batch;
      frame.parse(view, offset[i]!, capturedBytes[i]!, wireBytes[i]!, linkType[i]!);
      if (frame.kind !== FRAME_TCP) continue;
      if (frame.cutBytes > 0) this.cutFrames++;
      else if (!checksumsRight(view, frame)) this.badChecksums++;
    }
  }

  begin(): void {
    if (this.wire !== null) return;
    const startNs = kernelNowNs();
    const { path } = this;
    const { link } = this.options;
    const nic = link !== null && (link.interface !== "" || link.peer !== "");
    this.wire = nic ? new NicWire(link) : new TapWire(DEVICE);
    const address = path.memory.at(path.umemAt, path.umemBytes);
    const chunkBytes = path.table.bytesOf(0);
    const umem = { address, bytes: path.umemBytes, chunkBytes };
    this.socket = new XskSocket(umem, this.#entries, this.wire);
    this.zeroCopy = this.socket.zeroCopy;
    this.queue = path.queueOn(this.socket.fill, this.socket.rx, this.wire.synchronous);
    // A chunk's life in the driver begins now, not when the process did.
    path.clock.nowNs = kernelNowNs();
    this.queue.refill();
    this.setupNs = kernelNowNs() - startNs;
  }

  ingest(batch: PacketBatch): void {
    const startNs = kernelNowNs();
    const wire = this.wire!;
    const queue = this.queue!;
    const { memory } = this.path;
    const { count, offset, capturedBytes, linkType } = batch;
    let injected = 0;
    queue.take(batch);
    for (let i = 0; i < count; i++) {
      const len = capturedBytes[i]!;
      this.packets++;
      this.bytes += len;
      queue.expect(i);
      if (!wire.send(memory.at(offset[i]!, len), len, linkType[i]!)) continue;
      injected++;
      queue.sent();
      if (queue.pending >= this.#pollAt) this.#poll();
    }
    this.#poll();
    this.injected += injected;
    this.refused += count - injected;
    this.elapsedNs += kernelNowNs() - startNs;
  }

  endPass(): void {
    const startNs = kernelNowNs();
    const { path } = this;
    this.#poll();
    this.elapsedNs += kernelNowNs() - startNs;
    this.#awaitHolds();
    path.defrag.expire(Number.POSITIVE_INFINITY);
    path.reader.giveBackAll();
    this.queue!.refill();
    path.stages.settle();
    path.pools.audit();
    path.tcp.audit();
    this.owners = path.owners();
    this.poolStats = path.pool.stats.slice();
    path.tcp.finish();
    this.#rows = [];
    for (let sock = 0; sock < path.tcp.sockets; sock++) {
      const row = path.tcp.streamOf(sock);
      this.#rows.push(outcomeOf(row));
      if (!row.payload) continue;
      const { min, max } = this.rcvbuf ?? { min: row.rcvbuf, max: row.rcvbuf };
      this.rcvbuf = { min: Math.min(min, row.rcvbuf), max: Math.max(max, row.rcvbuf) };
    }
  }

  streams(): StreamOutcome[] {
    return this.#rows;
  }

  totals(): NativeTotals {
    return totalsOf(this);
  }

  restart(): void {
    this.path.tcp.restart();
  }

  teardown(): void {
    if (this.#down) return;
    this.#down = true;
    const startNs = kernelNowNs();
    const { path, socket, queue } = this;
    const orderly = this.owners !== null;
    if (socket !== null) this.statistics = socket.statistics();
    const { wire } = this;
    // The interface first: its going waits less for RCU than the unbinding of a socket. One that
    // stays must not have a socket any more.
    if (wire?.synchronous === false) socket?.close();
    wire?.close();
    if (wire?.synchronous !== false) socket?.close();
    queue?.flush();
    this.interfacesLeft = wire === null || interfaceIndex(wire.device) === 0 ? 0 : 1;
    this.left = path.owners();
    path.pools.destroy(path.pool);
    if (orderly) path.pools.audit();
    path.stages.settle();
    path.memory.release();
    this.teardownNs = kernelNowNs() - startNs;
  }

  report(): NativeReport {
    return reportOf(this);
  }

  /** What the kernel has put into the UMEM goes up, is read, and what is due goes back. */
  #poll(): void {
    this.options.look?.();
    this.queue!.poll();
    this.path.reader.run();
    if (!this.wire!.synchronous) this.#awaitFrames();
  }

  /** Waits for what is still on the wire, as long as some of it comes. */
  #awaitFrames(): void {
    const queue = this.queue!;
    let untilNs = kernelNowNs() + PATIENCE_NS;
    while (queue.missing > 0 && kernelNowNs() < untilNs) {
      this.socket!.wait(WAIT_MS);
      if (queue.poll() > 0) untilNs = kernelNowNs() + PATIENCE_NS;
      this.path.reader.run();
    }
    queue.settle();
  }

  /** Sleeps until what is not read yet is due, and for what is held; for that not for ever. */
  #awaitHolds(): void {
    const { reader } = this.path;
    const untilNs = kernelNowNs() + this.options.readDelayNs + HOLD_WAIT_NS;
    for (;;) {
      this.options.look?.();
      const waitNs = reader.nextNs - kernelNowNs();
      if (!(waitNs < Number.POSITIVE_INFINITY)) return;
      if (waitNs > 0) {
        if (kernelNowNs() + waitNs > untilNs) return;
        libc().poll(Buffer.alloc(8), 0, Math.min(STEP_MS, Math.ceil(waitNs / 1e6)));
      }
      reader.run();
    }
  }
}

/** `af-xdp`: see {@link AfXdp}. */
export const makeAfXdp: MakeNative = (options, sink) => new AfXdp(options, sink);
