import { Prng } from "../clock/prng.js";
import type { ReceivePath } from "../receive-path.js";
import type { PacketBatch } from "../wire/packet-batch.js";
import { FAULT_ACTIONS, type FaultScene } from "./actions.js";
import { FaultLog } from "./fault-log.js";
import type { FaultyApplication } from "./faulty-application.js";
import type { FaultKind, WireKind } from "./kinds.js";
import { isWireFault, type PlannedFault } from "./plan.js";

/** Salt that keeps the director's draws apart from the plan's and the model's. */
const DIRECTOR_SALT = 0x0ddba11;

/**
 * An event source beside polls, application and pools: it makes the faults of a plan happen.
 *
 *      batch     [ a  b  c | d  e | f ... ]        cut where a fault is due; the receive path
 *                          ^      ^                sees parts, and knows nothing of plans
 *                      packet=4  time=5ms
 *
 * A fault at a byte of a stream is looked for before each packet, once all that is due by then has
 * happened. What is not due by the capture's last packet is waited for before the last pass ends.
 */
export class FaultDirector {
  readonly log = new FaultLog();
  readonly #path: ReceivePath;
  readonly #scene: FaultScene;
  #pending: PlannedFault[];
  #packets = 0;

  constructor(
    path: ReceivePath,
    app: FaultyApplication,
    faults: readonly PlannedFault[],
    seed: number,
  ) {
    this.#path = path;
    this.#scene = { path, app, prng: new Prng(seed ^ DIRECTOR_SALT), spoiler: null, watch: null };
    this.#pending = faults.filter((fault) => !isWireFault(fault));
  }

  /** Replays a batch, with the faults that are due on the way. */
  ingest(batch: PacketBatch): void {
    let from = 0;
    for (let i = 0; i < batch.count; i++) {
      const seconds = batch.seconds[i]!;
      const nanoseconds = batch.nanoseconds[i]!;
      if (this.#mayAct(this.#modelTime(seconds, nanoseconds))) {
        if (i > from) this.#path.ingest(batch.part(from, i));
        from = i;
        this.#act(seconds, nanoseconds);
      }
      this.#packets++;
    }
    if (batch.count > from) this.#path.ingest(batch.part(from, batch.count));
    this.#look();
  }

  /** End of the last pass: the times that are still to come, and bytes that are still read. */
  finish(): void {
    const times = this.#pending.flatMap(({ when }) => (when.at === "time" ? [when.ns] : []));
    for (const ns of times.sort((a, b) => a - b)) {
      this.#path.runToTime(...wholeSeconds(ns));
      this.#act(...wholeSeconds(ns));
    }
    if (!this.#pending.some(({ when }) => when.at === "byte")) return;
    this.#path.drain();
    const { seconds, nanoseconds } = this.#path.elapsed();
    this.#act(seconds, nanoseconds);
  }

  /** Faults that never came to pass. */
  get missed(): readonly PlannedFault[] {
    return this.#pending;
  }

  /** A packet's arrival as model time; at top speed nothing is known but what time it is. */
  #modelTime(seconds: number, nanoseconds: number): number {
    const { clock, options } = this.#path;
    return options.topspeed ? clock.nowNs : clock.toModel(seconds, nanoseconds);
  }

  /** Whether the path must stop before this packet to look for something, or to do it. */
  #mayAct(atNs: number): boolean {
    if (this.#scene.watch !== null) return true;
    const { topspeed } = this.#path.options;
    return this.#pending.some(
      (fault) =>
        fault.when.at === "byte" ||
        (topspeed && fault.when.at === "time") ||
        this.#due(fault, atNs),
    );
  }

  #due({ when }: PlannedFault, atNs: number): boolean {
    if (when.at === "packet") return this.#packets + 1 >= when.packet;
    if (when.at === "time") return atNs >= when.ns - this.#path.clock.epochSeconds * 1e9;
    if (when.at !== "byte" || when.stream >= this.#path.tcp.sockets) return false;
    return this.#path.tcp.streamOf(when.stream).bytes >= when.byte;
  }

  /** All that is due by a time happens: the path's own events and the faults, in order. */
  #act(seconds: number, nanoseconds: number): void {
    this.#look();
    const untilNs = this.#modelTime(seconds, nanoseconds);
    const times = this.#pending
      .filter((fault) => fault.when.at === "time" && this.#due(fault, untilNs))
      .map((fault) => ({ fault, ns: (fault.when as { ns: number }).ns }))
      .sort((a, b) => a.ns - b.ns);
    for (const { fault, ns } of times) {
      this.#runUntil(...wholeSeconds(ns));
      this.#happen(fault);
    }
    this.#runUntil(seconds, nanoseconds);
    // The clock's epoch may have moved on the way.
    const atNs = this.#modelTime(seconds, nanoseconds);
    for (const fault of this.#pending.filter((each) => this.#due(each, atNs))) this.#happen(fault);
  }

  #happen(fault: PlannedFault): void {
    const path = this.#path;
    this.#pending = this.#pending.filter((each) => each !== fault);
    const effect = FAULT_ACTIONS[fault.kind as Exclude<FaultKind, WireKind>](
      this.#scene,
      fault.args,
    );
    const nowNs = path.clock.epochSeconds * 1e9 + path.clock.nowNs;
    this.log.note(fault, this.#packets + 1, nowNs, effect);
  }

  #runUntil(seconds: number, nanoseconds: number): void {
    const { clock, options } = this.#path;
    if (options.topspeed || clock.toModel(seconds, nanoseconds) < clock.nowNs) return;
    this.#path.runToTime(seconds, nanoseconds);
  }

  /** Something that is to end after a number of packets may have come to its end. */
  #look(): void {
    if (this.#scene.watch?.() === true) this.#scene.watch = null;
  }
}

/** A time since the start of the run in seconds and the rest. */
function wholeSeconds(ns: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ns / 1e9);
  return [seconds, ns - seconds * 1e9];
}
