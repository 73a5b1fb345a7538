import { Prng } from "../clock/prng.js";
import type { Arena } from "../memory/arena.js";
import { PacketBatch } from "../wire/packet-batch.js";
import { FaultLog } from "./fault-log.js";
import { isWireFault, type PlannedFault } from "./plan.js";

/** Salt that keeps the wire's draws apart from the plan's and the model's. */
const WIRE_SALT = 0x00c0ffee;
/** Shortest frame that `truncate` leaves: an Ethernet header. */
const MIN_FRAME_BYTES = 14;

/** A wire fault and how many packets it still has to hit. */
interface Running {
  readonly fault: PlannedFault;
  left: number;
}

/**
 * The wire in front of the NIC, faulty as a plan says. It sits between the capture and all receive
 * paths, so that every provider sees the same broken wire; the seed reproduces it.
 *
 *      batch     a  b  c  d  e  f
 *      loss of b, c twice, d behind f:
 *      out       a  c  c  e  f  d        d arrives when f does
 *
 * A packet that is overtaken stays within the batch in hand (256 packets at most).
 */
export class FaultyWire {
  readonly log = new FaultLog();
  readonly #arena: Arena;
  readonly #faults: readonly Running[];
  readonly #prng: Prng;
  readonly #out: PacketBatch;
  #seen = 0;

  constructor(faults: readonly PlannedFault[], arena: Arena, seed: number) {
    this.#arena = arena;
    this.#prng = new Prng(seed ^ WIRE_SALT);
    this.#out = new PacketBatch(1024);
    this.#faults = faults
      .filter(isWireFault)
      .map((fault) => ({ fault, left: fault.args.count ?? 1 }));
  }

  /** What of a batch arrives at the NIC; valid until the next call. */
  transmit(batch: PacketBatch): PacketBatch {
    const order: number[] = [];
    const late: Array<{ from: number; behind: number }> = [];
    for (let i = 0; i < batch.count; i++) {
      this.#seen++;
      let copies = 1;
      for (const running of this.#faults) {
        if (!this.#hits(running, batch, i)) continue;
        const { kind, args } = running.fault;
        if (kind === "loss") copies = 0;
        else if (kind === "duplicate") copies++;
        else if (kind === "corrupt") this.#flip(batch, i);
        else if (kind === "truncate") truncate(batch, i);
        else if (kind === "reorder") late.push({ from: i, behind: args.by ?? 1 });
        this.log.note(running.fault, this.#seen, elapsedNs(batch, i), "");
      }
      for (let k = 0; k < copies; k++) order.push(i);
    }
    for (const { from, behind } of late) overtake(order, from, behind);
    return this.#copy(batch, order);
  }

  /** Faults that no packet met. */
  get missed(): PlannedFault[] {
    return this.#faults.filter(({ fault }) => !this.log.happened(fault)).map(({ fault }) => fault);
  }

  #hits(running: Running, batch: PacketBatch, i: number): boolean {
    const { when, args } = running.fault;
    const rate = args.rate ?? 0;
    if (when.at === "random" && rate > 0) return this.#prng.below(1e6) < rate * 1e4;
    if (running.left === 0) return false;
    if (when.at === "packet" && this.#seen < when.packet) return false;
    if (when.at === "time" && elapsedNs(batch, i) < when.ns) return false;
    running.left--;
    return true;
  }

  /** Flips one bit in the second half of a frame: its payload, if it has any. */
  #flip(batch: PacketBatch, i: number): void {
    const captured = batch.capturedBytes[i]!;
    const half = captured >>> 1;
    const at = batch.offset[i]! + half + this.#prng.below(Math.max(1, captured - half));
    this.#arena.bytes[at]! ^= 1 << this.#prng.below(8);
  }

  #copy(batch: PacketBatch, order: readonly number[]): PacketBatch {
    const out = this.#out;
    out.count = order.length;
    // What was overtaken arrives with the last of those that overtook it.
    let last = 0;
    order.forEach((from, to) => {
      last = Math.max(last, from);
      out.offset[to] = batch.offset[from]!;
      out.capturedBytes[to] = batch.capturedBytes[from]!;
      out.wireBytes[to] = batch.wireBytes[from]!;
      out.linkType[to] = batch.linkType[from]!;
      out.seconds[to] = batch.seconds[last]!;
      out.nanoseconds[to] = batch.nanoseconds[last]!;
    });
    return out;
  }
}

/** Moves a packet behind the next `behind` others. */
function overtake(order: number[], from: number, behind: number): void {
  const at = order.indexOf(from);
  if (at < 0) return;
  order.splice(at, 1);
  order.splice(Math.min(at + behind, order.length), 0, from);
}

function truncate(batch: PacketBatch, i: number): void {
  const bytes = Math.max(MIN_FRAME_BYTES, batch.capturedBytes[i]! >>> 1);
  batch.capturedBytes[i] = Math.min(bytes, batch.capturedBytes[i]!);
  batch.wireBytes[i] = batch.capturedBytes[i]!;
}

function elapsedNs(batch: PacketBatch, i: number): number {
  return batch.seconds[i]! * 1e9 + batch.nanoseconds[i]!;
}
