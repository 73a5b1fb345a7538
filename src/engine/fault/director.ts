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
      const atNs = this.#arrival(batch, i);
      if (!this.#mayAct(atNs)) {
        this.#packets++;
        continue;
      }
      if (i > from) this.#path.ingest(batch.part(from, i));
      from = i;
      this.#act(atNs);
      this.#packets++;
    }
    if (batch.count > from) this.#path.ingest(batch.part(from, batch.count));
    this.#look();
  }

  /** End of the last pass: the times that are still to come, and bytes that are still read. */
  finish(): void {
    const { clock } = this.#path;
    const times = this.#pending.flatMap(({ when }) => (when.at === "time" ? [when.ns] : []));
    for (const ns of times.sort((a, b) => a - b)) {
      const atNs = ns - clock.epochSeconds * 1e9;
      this.#path.runTo(atNs);
      this.#act(atNs);
    }
    if (!this.#pending.some(({ when }) => when.at === "byte")) return;
    this.#path.drain();
    this.#act(clock.nowNs);
  }

  /** Faults that never came to pass. */
  get missed(): readonly PlannedFault[] {
    return this.#pending;
  }

  /** Model time of a packet's arrival; at top speed nothing is known but what time it is. */
  #arrival(batch: PacketBatch, i: number): number {
    const { clock, options } = this.#path;
    if (options.topspeed) return clock.nowNs;
    return clock.toModel(batch.seconds[i]!, batch.nanoseconds[i]!);
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
  #act(atNs: number): void {
    this.#look();
    const { epochSeconds } = this.#path.clock;
    const times = this.#pending
      .filter((fault) => fault.when.at === "time" && this.#due(fault, atNs))
      .map((fault) => ({ fault, ns: (fault.when as { ns: number }).ns - epochSeconds * 1e9 }))
      .sort((a, b) => a.ns - b.ns);
    for (const { fault, ns } of times) {
      this.#runUntil(ns);
      this.#happen(fault);
    }
    this.#runUntil(atNs);
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

  #runUntil(atNs: number): void {
    const { clock, options } = this.#path;
    if (!options.topspeed && atNs >= clock.nowNs) this.#path.runTo(atNs);
  }

  /** Something that is to end after a number of packets may have come to its end. */
  #look(): void {
    if (this.#scene.watch?.() === true) this.#scene.watch = null;
  }
}
