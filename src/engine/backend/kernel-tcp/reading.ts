import type { StreamSink } from "../backend.js";
import { kernelNowNs, sleepNs } from "../clock.js";
import type { Direction } from "../flows/direction.js";
import { awaitOldest, awaitRoom } from "../receive/holding.js";
import { DRAINED, STALLED } from "../receive/receiver.js";
import type { KernelTcp } from "./kernel-tcp.js";
import type { Endgame } from "./socket-set.js";
import { Touched } from "./touched.js";

/** The sockets are read after so many packets, or so many bytes, at the latest. */
const READ_EVERY_PACKETS = 64;
const READ_EVERY_BYTES = 1 << 20;
/** How long an asynchronous wire may stay silent before what is missing counts as lost. */
const PATIENCE_NS = 1e9;
/** The same where the next packet waits for it. */
const SHORT_PATIENCE_NS = 50e6;

/**
 * When the sockets of a replay are read, and how: the application's side of it.
 *
 *      sent -> touched -> 64 packets, 1 MiB, or a quarter of one receive buffer -> read -> sink
 */
export class Reading {
  /** When the packet in hand began to be injected. */
  stampNs = 0;
  readonly #run: KernelTcp;
  readonly #sink: StreamSink | null;
  readonly #readEvery: number;
  #touched = new Touched(0);
  #unreadPackets = 0;
  #unreadBytes = 0;

  constructor(run: KernelTcp, sink: StreamSink | null) {
    this.#run = run;
    this.#sink = sink;
    this.#readEvery = run.options.readEvery || READ_EVERY_PACKETS;
  }

  /** The number of directions is known. */
  begin(directions: number): void {
    this.#touched = new Touched(directions);
  }

  /** Each packet is read before the next one comes. */
  get atOnce(): boolean {
    return this.#readEvery === 1;
  }

  /** A socket is to be looked at. */
  touch(index: number): void {
    this.#touched.add(index, this.stampNs);
  }

  /** A packet went out. */
  sent(bytes: number): void {
    this.#unreadPackets++;
    this.#unreadBytes += bytes;
  }

  /** Whether it is time to read what was sent. */
  get due(): boolean {
    return this.#unreadPackets >= this.#readEvery || this.#unreadBytes >= READ_EVERY_BYTES;
  }

  /** Reads every socket that was sent something since it was read last, after `--read-delay`. */
  readTouched(): void {
    const { injector, options, receiver } = this.#run;
    options.look?.();
    injector!.flush();
    if (injector!.asynchronous) this.#flushed();
    receiver!.holding?.release();
    const { readDelayNs } = options;
    const untilNs = readDelayNs > 0 ? kernelNowNs() - readDelayNs : Number.POSITIVE_INFINITY;
    this.#touched.take(untilNs, this.#readOne);
    this.stampNs = kernelNowNs();
    this.#unreadPackets = 0;
    this.#unreadBytes = 0;
  }

  /**
   * Reads a socket before what waits for it fills its receive buffer: who reads without delay is
   * never the reason why something is refused.
   */
  readAhead(index: number, state: Endgame): void {
    const { injector, options, receiver, sockets } = this.#run;
    if (options.readDelayNs > 0) return;
    injector!.flush();
    if (injector!.asynchronous) this.#flushed();
    receiver!.holding?.release();
    const untilNs = kernelNowNs() + SHORT_PATIENCE_NS;
    while (this.#read(index, state) && injector!.asynchronous && state.awaits) {
      state.lossy = kernelNowNs() > untilNs;
    }
    sockets!.measure(state);
    this.stampNs = kernelNowNs();
  }

  /** The end of a pass: reads every socket to its end. */
  readRest(): void {
    const { directions, options, receiver, sockets } = this.#run;
    this.readTouched();
    while (this.#touched.count > 0) {
      sleepNs(options.readDelayNs);
      awaitRoom(receiver!.holding);
      this.readTouched();
    }
    this.#awaitRest(directions);
    for (const direction of directions) this.#finish(direction, sockets!.states[direction.index]!);
  }

  /** What was flushed went up to its sockets in the meantime, but for what the wire still holds. */
  #flushed(): void {
    const { book, sockets } = this.#run;
    const now = kernelNowNs();
    for (let i = 0; i < this.#touched.count; i++) {
      const index = this.#touched.at(i);
      book!.readable(index, sockets!.states[index]!.seen.next, now);
    }
  }

  readonly #readOne = (index: number): boolean => {
    const { at, directions, sockets } = this.#run;
    const state = sockets!.states[index]!;
    const direction = directions[index]!;
    const done = this.#read(index, state);
    if (!sockets!.scarce || direction.lastPacket >= at) return done;
    this.#finish(direction, state);
    return true;
  };

  /** Reads what is readable; false where more could be read if less were held. */
  #read(index: number, state: Endgame): boolean {
    state.chargedBytes = 0;
    if (state.fd < 0 || state.end !== DRAINED) return true;
    const run = this.#run;
    const before = state.delivered;
    const sink = this.#sink;
    const end = run.receiver!.read(
      state.fd,
      (bytes) => {
        state.delivered += bytes.length;
        sink?.deliver(index, bytes);
      },
      state.unreadEnd - before,
    );
    if (end !== STALLED) state.end = end;
    if (state.delivered === before) return end !== STALLED;
    run.deliveredBytes += state.delivered - before;
    run.book!.read(index, state.delivered, kernelNowNs());
    return end !== STALLED;
  }

  /** Reads a socket to its end, and closes it where others wait for its place. */
  #finish(direction: Direction, state: Endgame): void {
    if (state.fd < 0) return;
    const { receiver, sockets } = this.#run;
    if (sockets!.scarce) this.#awaitRest([direction]);
    let before = -1;
    while (state.end === DRAINED && state.delivered > before) {
      before = state.delivered;
      while (!this.#read(direction.index, state)) awaitOldest(receiver!.holding);
    }
    if (sockets!.scarce) {
      sockets!.close(state);
      sockets!.fill();
    }
  }

  /** Where the wire is asynchronous: waits for what must still come, as long as some of it does. */
  #awaitRest(directions: readonly Direction[]): void {
    const run = this.#run;
    if (!run.injector!.asynchronous) return;
    const { states } = run.sockets!;
    let progressNs = kernelNowNs();
    let open = directions.filter(({ index }) => states[index]!.fd >= 0);
    while (open.length > 0 && kernelNowNs() - progressNs < PATIENCE_NS) {
      const had = run.deliveredBytes;
      run.options.look?.();
      run.receiver!.holding?.release();
      for (const { index } of open) {
        if (!this.#read(index, states[index]!)) progressNs = kernelNowNs();
      }
      open = open.filter((direction) => {
        const { delivered, end } = states[direction.index]!;
        const quiet = !direction.finished && !direction.reset;
        return end === DRAINED && (delivered < direction.seen.next || !quiet);
      });
      if (run.deliveredBytes > had) progressNs = kernelNowNs();
    }
  }
}
