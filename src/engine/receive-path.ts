import type { Application } from "./app/application.js";
import { assemble, type PathPlace } from "./assemble.js";
import type { Binding } from "./binding.js";
import { Prng } from "./clock/prng.js";
import { REBASE_NS, type VirtualClock } from "./clock/virtual-clock.js";
import type { Netdev } from "./driver/netdev.js";
import type { Nic } from "./driver/nic.js";
import type { Placer } from "./driver/placer.js";
import type { ReceiveQueue } from "./driver/receive-queue.js";
import { type HostClock, HostTrace } from "./host-trace.js";
import type { Defrag } from "./ip/defrag.js";
import type { Ledger } from "./ledger/ledger.js";
import type { DelayedWork } from "./lifecycle/delayed-work.js";
import type { Lifecycle } from "./lifecycle/lifecycle.js";
import type { NetmemTable } from "./netmem/netmem-table.js";
import type { PoolTable } from "./page-pool/pool-table.js";
import { MAX_IDLE_POLLS, PathRest } from "./path-rest.js";
import { PathSeries } from "./path-series.js";
import type { Counters } from "./probe/counters.js";
import type { StageProbe } from "./probe/stages.js";
import type { ReceiveOptions } from "./receive-options.js";
import { countRecycled } from "./recycled.js";
import type { SkbSlab } from "./skb/skb-slab.js";
import type { TcpStack } from "./tcp/tcp-stack.js";
import type { PacketBatch } from "./wire/packet-batch.js";

/** Polls between two full audits of all pools and sockets, once the run is under way. */
const AUDIT_EVERY = 65536;
/** How much longer each wait for an audit is than the one before, until then. */
const AUDIT_GROWTH = 16;
/** Top speed: the source waits while more skbs than this are unread. */
const TOPSPEED_BACKLOG = 1024;
/** Top speed: steps that the source waits for one frame at most. */
const MAX_PAUSE_STEPS = 10_000;
/** Detached pools are tried for this long at the end, then they are zombies. */
const TEARDOWN_NS = 10e9;

const NEVER = Number.POSITIVE_INFINITY;

/**
 * One receive path, whole, on the model clock: a device with its queues, page pools and memory
 * provider, the network layer, TCP and an application. Packets go in by the batch; between two
 * arrivals everything that is due runs in time order.
 *
 *      batch -> [NIC] ~ irq ~> [NAPI -> GRO -> IP -> TCP] ~ wake ~> [application]
 *                 ^                                                     |
 *                 +------ page pools <--- provider <---- given back ----+
 */
export class ReceivePath {
  readonly options: ReceiveOptions;
  readonly clock: VirtualClock;
  readonly stages: StageProbe;
  readonly drops: Counters;
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly slab: SkbSlab;
  readonly tcp: TcpStack;
  readonly netdev: Netdev;
  readonly nic: Nic;
  readonly placement: Placer;
  readonly defrag: Defrag;
  readonly binding: Binding;
  readonly app: Application;
  /** What starts, ends and upsets the path. */
  readonly lifecycle: Lifecycle;
  readonly host: HostTrace;
  /** Owners, and with `--interval` totals, over model time. */
  readonly series: PathSeries;
  packets = 0;
  bytes = 0;
  /** The statistics of each pool, by number, as they stood before the teardown. */
  poolStats: ReadonlyArray<Float64Array | null> = [];
  /** Netmems that the NIC used up, and of these back in their pools when the last pass ended. */
  recycled = { handedOut: 0, givenBack: 0 };
  readonly #work: DelayedWork;
  readonly #rest: PathRest;
  readonly #all: readonly ReceiveQueue[];
  #nextNs = Number.POSITIVE_INFINITY;
  #nextQueue = -1;
  /** A frame that comes at this time or later has to wait until what is due is done. */
  #wakeNs = Number.POSITIVE_INFINITY;
  /** Frames may be placed before steps of the application that are due earlier. */
  readonly #ahead: boolean;
  #polls = 0;
  /** The poll before which the next audit is due: 16, 272, ..., then every AUDIT_EVERY. */
  #auditAt = 16;
  /** Polls in a row that found nothing. */
  #idlePolls = 0;

  /**
   * @throws NetdevRefused when the kernel would refuse the provider on the queue.
   */
  constructor(options: ReceiveOptions, place: PathPlace, hostClock: HostClock | null) {
    const parts = assemble(options, place);
    this.options = options;
    this.clock = parts.clock;
    this.stages = parts.stages;
    this.drops = parts.drops;
    this.table = parts.table;
    this.ledger = parts.ledger;
    this.pools = parts.pools;
    this.slab = parts.slab;
    this.tcp = parts.tcp;
    this.netdev = parts.netdev;
    this.nic = parts.nic;
    this.placement = parts.placement;
    this.defrag = parts.defrag;
    this.binding = parts.binding;
    this.app = parts.binding.app;
    this.lifecycle = parts.lifecycle;
    this.#work = parts.work;
    this.#work.wake = () => this.#schedule();
    this.#all = parts.queues.all;
    this.#rest = new PathRest(this, parts.queues.all, parts.work);
    this.host = new HostTrace(new Prng(options.seed), hostClock);
    this.series = new PathSeries(options, this);
    this.#ahead = !options.topspeed && !this.series.cuts;
    if (this.#ahead) parts.queues.beforeRest = () => this.#catchUp(this.placement.arrivalNs);
    this.clock.follow(this.series);
    this.clock.follow({ rebase: (deltaNs) => this.#rebase(deltaNs) });
  }

  /**
   * Replays a batch: each frame arrives at its time, after everything that is due by then. Only the
   * application's own steps may wait for frames that come later: placing one touches nothing that
   * the application reads or gives back, unless skbs run short. So it runs from poll to poll
   * instead of from frame to frame, and stands at the last frame's time in the end.
   */
  ingest(batch: PacketBatch): void {
    const { clock, nic, placement, slab } = this;
    const { count, offset, capturedBytes, wireBytes, linkType, seconds, nanoseconds } = batch;
    const topspeed = this.options.topspeed;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const captured = capturedBytes[i]!;
      let atNs = topspeed
        ? this.#paceTop(wireBytes[i]!, i, bytes)
        : clock.toModel(seconds[i]!, nanoseconds[i]!);
      if (atNs >= REBASE_NS) {
        this.series.arrived(this.packets + i, this.bytes + bytes);
        atNs = this.#moveEpoch(atNs, seconds[i]!, nanoseconds[i]!);
      }
      if (this.#wakeNs <= atNs || (this.#nextNs <= atNs && slab.runsShort)) {
        this.series.arrived(this.packets + i, this.bytes + bytes);
        clock.horizonNs = atNs;
        while (this.#nextNs <= atNs) this.#step();
        if (this.series.cuts) this.#cutUntil(atNs);
      }
      placement.arrivalNs = atNs;
      const queue = nic.receive(offset[i]!, captured, wireBytes[i]!, linkType[i]!);
      if (queue.dueNs < this.#wakeNs) this.#wakeNs = queue.dueNs;
      if (queue.dueNs < this.#nextNs) {
        this.#nextNs = queue.dueNs;
        this.#nextQueue = queue.index;
        if (this.series.cuts) {
          this.series.arrived(this.packets + i, this.bytes + bytes);
          this.#awaitCut(atNs);
        }
      }
      bytes += captured;
    }
    this.packets += count;
    this.bytes += bytes;
    this.series.arrived(this.packets, this.bytes);
    if (this.#ahead) this.#catchUp(placement.arrivalNs);
  }

  /** Lets everything happen that is due up to a model time; frames and events come after it. */
  runTo(atNs: number): void {
    const { clock } = this;
    this.#schedule();
    clock.horizonNs = atNs;
    while (this.#nextNs <= atNs) this.#step();
    if (clock.nowNs < atNs) clock.nowNs = atNs;
  }

  /** {@link runTo} for a time since the start of the run, however far from now. */
  runToTime(seconds: number, nanoseconds: number): void {
    const atNs = this.clock.toModel(seconds, nanoseconds);
    if (atNs >= REBASE_NS) this.#passOver(atNs);
    this.runTo(this.clock.toModel(seconds, nanoseconds));
  }

  /** Lets everything happen that is still to happen, hold times included. */
  drain(): void {
    this.clock.horizonNs = NEVER;
    this.#idlePolls = 0;
    this.#schedule();
    while (this.#nextNs < NEVER) {
      // Netmems that nothing on the way gives back keep their pools for ever: one more look.
      if (this.#onlyRetries()) {
        this.#step();
        if (this.#onlyRetries()) return;
      } else this.#step();
      // Only dry queues look for memory that nobody will give back any more.
      if (this.#idlePolls > MAX_IDLE_POLLS && this.app.nextNs === NEVER) return;
    }
  }

  /** End of a pass: everything is read and given back, every socket closed; pools stay. */
  endPass(): void {
    this.drain();
    this.defrag.expire(Number.POSITIVE_INFINITY);
    // Giving back may wake a reader that had stopped for want of memory; what it reads then is
    // given back by the next round. A round that reads nothing is the last.
    let readBytes = -1;
    do {
      readBytes = this.app.counts.deliveredBytes;
      this.app.giveBackAll();
      this.#schedule();
      this.drain();
    } while (this.app.heldCount > 0 && this.app.counts.deliveredBytes > readBytes);
    this.audit();
    this.tcp.finish();
    this.recycled = countRecycled(this);
  }

  /** After {@link endPass}: the next pass opens new connections, and comes later than this one. */
  restart(): void {
    this.tcp.restart();
    const { clock, placement } = this;
    if (placement.arrivalNs < clock.nowNs) placement.arrivalNs = Math.ceil(clock.nowNs);
    this.nic.restart();
    if (this.netdev.running) for (const queue of this.#all) queue.lookAfter(clock.nowNs);
    this.#schedule();
  }

  /** Model time since the start of the run, in whole seconds and nanoseconds. */
  elapsed(): { seconds: number; nanoseconds: number } {
    const whole = Math.floor(this.clock.nowNs / 1e9);
    return {
      seconds: this.clock.epochSeconds + whole,
      nanoseconds: this.clock.nowNs - whole * 1e9,
    };
  }

  /** Walks all pools and sockets against the invariants. */
  audit(): void {
    this.pools.audit();
    if (this.ledger.on) this.tcp.audit();
  }

  /** Orderly teardown after the last pass: device down, provider closed, pools freed. */
  teardown(): void {
    this.poolStats = this.#copyStats();
    this.series.owners.finish(this.clock.nowNs);
    this.series.cut();
    this.stages.on = false;
    const closedNs = this.clock.nowNs;
    this.lifecycle.finish(TEARDOWN_NS);
    // What is left is shown right behind the end, however long the pools were tried.
    this.series.owners.finish(closedNs);
    this.pools.audit();
  }

  /** The application's steps that were left for frames that came later. */
  #catchUp(atNs: number): void {
    this.clock.horizonNs = atNs;
    while (this.#nextNs <= atNs && this.#nextQueue < 0) this.#step();
  }

  /** Runs what is due next; the application may go on until something else is, or the horizon. */
  #step(): void {
    const { clock, app, pools } = this;
    const { owners } = this.series;
    const queue = this.#nextQueue;
    if (owners.dueNs <= this.#nextNs) owners.sample(this.#nextNs);
    if (this.series.cuts) this.#cutUntil(this.#nextNs);
    clock.nowNs = this.#nextNs;
    if (queue >= 0) this.#poll(this.#all[queue]!);
    else if (app.nextNs <= clock.nowNs) {
      const all = this.#all;
      const untilNs = clock.horizonNs;
      if (pools.nextRetryNs < untilNs) clock.horizonNs = pools.nextRetryNs;
      if (this.#work.nextNs < clock.horizonNs) clock.horizonNs = this.#work.nextNs;
      const lookNs = this.series.dueNs;
      if (lookNs < clock.horizonNs) clock.horizonNs = lookNs;
      for (let i = 0; i < all.length; i++) {
        if (all[i]!.dueNs < clock.horizonNs) clock.horizonNs = all[i]!.dueNs;
      }
      app.run();
      clock.horizonNs = untilNs;
    } else if (this.#work.nextNs <= clock.nowNs) this.#work.run();
    else pools.retryRelease(this.#rest.untilNs(this.#idlePolls));
    this.#schedule();
  }

  /** Whether detached pools are all that will ever act again. */
  #onlyRetries(): boolean {
    if (this.app.nextNs < NEVER || this.#work.nextNs < NEVER) return false;
    return this.#nextNs < NEVER && this.#nextQueue < 0;
  }

  /** Whether detached pools and looks at dry rings are all that will act before a packet. */
  #stuck(): boolean {
    if (this.app.nextNs < NEVER || this.#work.nextNs < NEVER) return false;
    return this.#nextQueue < 0 || this.#idlePolls > MAX_IDLE_POLLS;
  }

  /** Finds what is due next: a poll, the application, work that was put off, a detached pool. */
  #schedule(): void {
    const appNs = this.app.nextNs;
    let othersNs = this.#work.nextNs;
    let next = -1;
    if (this.pools.nextRetryNs < othersNs) othersNs = this.pools.nextRetryNs;
    const all = this.#all;
    for (let i = 0; i < all.length; i++) {
      const dueNs = all[i]!.dueNs;
      if (dueNs < othersNs) {
        othersNs = dueNs;
        next = i;
      }
    }
    const appFirst = appNs <= othersNs;
    this.#nextNs = appFirst ? appNs : othersNs;
    this.#nextQueue = appFirst ? -1 : next;
    this.#wakeNs = this.#ahead ? othersNs : this.#nextNs;
    if (this.series.cuts) this.#awaitCut(this.clock.nowNs);
  }

  /** With intervals: the path is awake when the one that `atNs` lies in ends, if not before. */
  #awaitCut(atNs: number): void {
    this.#wakeNs = Math.min(this.#nextNs, this.series.nextCut(atNs, this.#nextNs));
  }

  /** Ends the intervals that end by `untilNs`; what comes then or later is the next one's. */
  #cutUntil(untilNs: number): void {
    if (this.series.cutNs <= untilNs) this.series.cutAndSkip(untilNs);
    this.#wakeNs = Math.min(this.#nextNs, this.series.cutNs);
  }

  #poll(queue: ReceiveQueue): void {
    if (++this.#polls === this.#auditAt) {
      this.#auditAt += Math.min(this.#auditAt * AUDIT_GROWTH, AUDIT_EVERY);
      this.audit();
    }
    this.#idlePolls = this.host.run(queue) > 0 ? 0 : this.#idlePolls + 1;
    if (this.#idlePolls > MAX_IDLE_POLLS) this.#rest.passIdle();
  }

  /**
   * Top speed: back to back at the wire's rate, but never faster than the path takes it. The
   * source pauses while a queue's rings are half used up or too much is unread. Memory that nobody
   * gives back does not stop it.
   */
  #paceTop(wireBytes: number, arrived: number, arrivedBytes: number): number {
    let atNs =
      this.placement.arrivalNs + Math.ceil((wireBytes * this.options.costs.wirePsPerByte) / 1000);
    for (let steps = 0; steps < MAX_PAUSE_STEPS && this.#mustPause(); steps++) {
      if (this.#nextNs === NEVER || this.#stuck()) break;
      if (this.#nextNs > atNs) atNs = this.#nextNs;
      this.series.arrived(this.packets + arrived, this.bytes + arrivedBytes);
      this.clock.horizonNs = atNs;
      this.#step();
    }
    return atNs;
  }

  #mustPause(): boolean {
    if (this.slab.skbCount > TOPSPEED_BACKLOG) return true;
    const all = this.#all;
    for (let i = 0; i < all.length; i++) if (all[i]!.tight) return true;
    return false;
  }

  /** Moves the clock's epoch close before an arrival that lies far ahead. */
  #moveEpoch(atNs: number, seconds: number, nanoseconds: number): number {
    this.#passOver(atNs);
    return this.options.topspeed
      ? this.placement.arrivalNs
      : this.clock.toModel(seconds, nanoseconds);
  }

  /** Lets happen what is due by a time that lies far ahead, and moves the epoch close before it. */
  #passOver(atNs: number): void {
    this.clock.horizonNs = atNs;
    this.#schedule();
    while (this.#nextNs <= atNs) this.#step();
    this.clock.rebase(Math.floor(atNs / 1e9) - 1);
  }

  #copyStats(): Array<Float64Array | null> {
    return this.pools.pools.map((pool) => (pool === null ? null : pool.stats.slice()));
  }

  #rebase(deltaNs: number): void {
    for (const queue of this.#all) queue.rebase(deltaNs);
    this.app.rebase(deltaNs);
    this.defrag.rebase(deltaNs);
    this.placement.arrivalNs -= deltaNs;
    this.#nextNs -= deltaNs;
    this.#wakeNs -= deltaNs;
  }
}
