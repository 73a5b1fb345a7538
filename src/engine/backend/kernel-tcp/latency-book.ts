import { LogLinearHistogram } from "../../probe/histogram.js";
import type { StageTimes } from "../backend.js";

/** A set of empty histograms, one a stage. */
export function emptyStages(): StageTimes {
  return {
    driver: new LogLinearHistogram(),
    stack: new LogLinearHistogram(),
    app: new LogLinearHistogram(),
    hold: new LogLinearHistogram(),
    pool: new LogLinearHistogram(),
    deliver: new LogLinearHistogram(),
    lifetime: new LogLinearHistogram(),
  };
}

const FIRST_ROOM = 1024;

/**
 * Payload segments that were injected and not yet read, one list a direction, in order of
 * injection.
 *
 *      injected --stack--> readable --app--> read
 *         +------------- deliver ------------+
 *
 * A segment is readable once every byte up to its end is in the socket's queue, and read once the
 * application has that byte.
 */
export class LatencyBook {
  readonly times = emptyStages();
  /** By direction: first and last entry, -1 for none. */
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  /** By direction: the first entry that is not readable, -1 for none. */
  readonly #waiting: Int32Array;
  #next = new Int32Array(FIRST_ROOM);
  #end = new Float64Array(FIRST_ROOM);
  #injectedNs = new Float64Array(FIRST_ROOM);
  /** Negative until readable. */
  #readableNs = new Float64Array(FIRST_ROOM);
  #free = -1;
  #used = 0;

  constructor(directions: number) {
    this.#head = new Int32Array(directions).fill(-1);
    this.#tail = new Int32Array(directions).fill(-1);
    this.#waiting = new Int32Array(directions).fill(-1);
  }

  /** A segment was injected whose last byte is before `end`. */
  injected(direction: number, end: number, atNs: number): void {
    const entry = this.#take();
    this.#next[entry] = -1;
    this.#end[entry] = end;
    this.#injectedNs[entry] = atNs;
    this.#readableNs[entry] = -1;
    const tail = this.#tail[direction]!;
    if (tail < 0) this.#head[direction] = entry;
    else this.#next[tail] = entry;
    this.#tail[direction] = entry;
    if (this.#waiting[direction]! < 0) this.#waiting[direction] = entry;
  }

  /** Everything before `upTo` became readable. */
  readable(direction: number, upTo: number, nowNs: number): void {
    let first = -1;
    for (let entry = this.#waiting[direction]!; entry >= 0; entry = this.#next[entry]!) {
      if (this.#readableNs[entry]! >= 0) continue;
      if (this.#end[entry]! > upTo) {
        if (first < 0) first = entry;
        continue;
      }
      this.#readableNs[entry] = nowNs;
      this.times.stack.record(Math.round(nowNs - this.#injectedNs[entry]!), 1);
    }
    this.#waiting[direction] = first;
  }

  /** The application has everything before `upTo`. */
  read(direction: number, upTo: number, nowNs: number): void {
    let previous = -1;
    let entry = this.#head[direction]!;
    while (entry >= 0) {
      const next = this.#next[entry]!;
      if (this.#end[entry]! > upTo) previous = entry;
      else {
        const readable = this.#readableNs[entry]!;
        if (readable >= 0) this.times.app.record(Math.round(nowNs - readable), 1);
        this.times.deliver.record(Math.round(nowNs - this.#injectedNs[entry]!), 1);
        this.#unlink(direction, previous, entry, next);
      }
      entry = next;
    }
  }

  /** Forgets what was never read; the next pass begins. */
  clear(): void {
    this.#head.fill(-1);
    this.#tail.fill(-1);
    this.#waiting.fill(-1);
    this.#free = -1;
    this.#used = 0;
  }

  #unlink(direction: number, previous: number, entry: number, next: number): void {
    if (previous < 0) this.#head[direction] = next;
    else this.#next[previous] = next;
    if (next < 0) this.#tail[direction] = previous;
    if (this.#waiting[direction] === entry) this.#waiting[direction] = next;
    this.#next[entry] = this.#free;
    this.#free = entry;
  }

  #take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.#next[free]!;
      return free;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const room = this.#used * 2;
    const next = new Int32Array(room);
    next.set(this.#next);
    this.#next = next;
    const wider = (old: Float64Array<ArrayBuffer>) => {
      const wide = new Float64Array(room);
      wide.set(old);
      return wide;
    };
    this.#end = wider(this.#end);
    this.#injectedNs = wider(this.#injectedNs);
    this.#readableNs = wider(this.#readableNs);
  }
}
