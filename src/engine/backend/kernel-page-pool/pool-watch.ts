import type { NativePool } from "../backend.js";
import { kernelNowNs, sleepNs } from "../clock.js";
import { type EventFormat, eventFormats } from "../trace/tracefs.js";
import { TracepointCounter, TracepointLog } from "../trace/tracepoint.js";
import { flushDeferred } from "./deferred.js";

const EVENTS = [
  "page_pool/page_pool_state_hold",
  "page_pool/page_pool_state_release",
  "page_pool/page_pool_release",
] as const;

/** Pages of each CPU's ring: for the first holds, and for the few words at the end. */
const HOLD_LOG_PAGES = 16;
const RELEASE_LOG_PAGES = 4;
/** How long the pool's first page may take, and its last (page_pool_release_retry: each second). */
const FIRST_NS = 200e6;
const LAST_NS = 8e9;
const STEP_NS = 5e6;
/** An skb that was freed here may wait on another CPU's list; it is asked again so often. */
const FLUSH_EVERY = 40;

/**
 * The kernel's own account of one page_pool, over its tracepoints
 * (include/trace/events/page_pool.h).
 *
 *      learn()   a first packet: which pool is it that took its first pages now?
 *      ...       page_pool_state_hold, page_pool_state_release of that pool are counted
 *      settle()  after the device went: page_pool_release tells hold, release, in flight
 *
 * Counters see the whole machine; a filter on the pool's address leaves this run's alone. Where the
 * pool could not be told from others that were born at the same time, `exact` is false and nothing
 * is told. The counters go with the process, which need not wait for RCU then.
 */
export class PoolWatch {
  /** The counts are those of this run's pool and no other. */
  exact = false;
  readonly #hold: EventFormat;
  readonly #free: EventFormat;
  readonly #end: EventFormat;
  readonly #births: TracepointLog;
  #holds: TracepointCounter | null = null;
  #frees: TracepointCounter | null = null;
  #ends: TracepointLog | null = null;
  #pool = 0n;
  /** Pages that the pool took before its counters were made. */
  #early = 0;
  #settled: NativePool | null | undefined = undefined;

  /** @throws Unavailable where events cannot be counted. */
  constructor() {
    const [hold, free, end] = eventFormats(EVENTS);
    this.#hold = hold!;
    this.#free = free!;
    this.#end = end!;
    this.#births = new TracepointLog(this.#hold.id, null, HOLD_LOG_PAGES);
  }

  /**
   * Finds the pool that was born since the watch was made; `send` puts a packet on the wire, so
   * that there is one.
   */
  learn(send: () => void): void {
    const { offset: poolAt } = this.#hold.field("pool");
    const { offset: holdAt } = this.#hold.field("hold");
    const born = new Map<bigint, { last: number; own: boolean }>();
    send();
    const untilNs = kernelNowNs() + FIRST_NS;
    for (;;) {
      this.#births.read((record, pid) => {
        const pool = record.getBigUint64(poolAt, true);
        const count = record.getUint32(holdAt, true);
        const seen = born.get(pool);
        // A pool's first hold makes its count 1; others are older than this run.
        if (seen === undefined && count !== 1) return;
        born.set(pool, { last: count, own: (seen?.own ?? true) && pid === process.pid });
      });
      if (born.size > 0 || kernelNowNs() >= untilNs) break;
      sleepNs(STEP_NS);
    }
    const own = [...born].filter(([, { own }]) => own);
    const [found] = own.length > 0 ? own : [...born];
    this.exact = found !== undefined && (own.length === 1 || born.size === 1);
    this.#pool = found?.[0] ?? 0n;
    this.#early = found?.[1].last ?? 0;
    const filter = this.exact ? `pool == 0x${this.#pool.toString(16)}` : null;
    this.#holds = new TracepointCounter(this.#hold.id, filter);
    this.#frees = new TracepointCounter(this.#free.id, filter);
    this.#ends = new TracepointLog(this.#end.id, filter, RELEASE_LOG_PAGES);
    // Not before the counters are there: a tracepoint's last user waits for RCU when it goes.
    this.#births.close();
  }

  /** Pages that the pool has taken, and given away, until now. */
  count(): { hold: number; release: number } {
    const hold = this.#early + (this.#holds?.read() ?? 0);
    return { hold, release: this.#frees?.read() ?? 0 };
  }

  /**
   * What was said while the pool was destroyed. A pool with pages out lives on until the last one
   * comes back, and is looked at each second. Called once the device is gone and its sockets are
   * closed; later calls answer the same. Null where the pool is not known: the machine's counts are
   * not this run's.
   */
  settle(): NativePool | null {
    if (this.#settled === undefined) this.#settled = this.exact ? this.#readEnd() : null;
    return this.#settled;
  }

  #readEnd(): NativePool {
    const releases: number[] = [];
    const names = ["pool", "inflight"] as const;
    const [pool, inflight] = names.map((name) => this.#end.field(name).offset);
    const take = (record: DataView) => {
      if (record.getBigUint64(pool!, true) !== this.#pool) return;
      releases.push(record.getInt32(inflight!, true));
    };
    const untilNs = kernelNowNs() + LAST_NS;
    for (let turn = 0; kernelNowNs() < untilNs; turn++) {
      this.#ends!.read(take);
      if (releases.at(-1) === 0) break;
      // Closing the sockets freed more skbs than those that the wire's end saw go.
      if (turn % FLUSH_EVERY === 0) flushDeferred();
      sleepNs(STEP_NS);
    }
    const { hold, release } = this.count();
    return { hold, release, inflight: hold - release, stats: {}, releases };
  }
}
