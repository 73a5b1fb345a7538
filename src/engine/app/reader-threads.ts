import type { Costs } from "../clock/costs.js";
import { rebaseTimes, type VirtualClock } from "../clock/virtual-clock.js";
import { type CpuContext, TASK_OTHER, TASK_THREAD } from "../netmem/netmem-return.js";
import type { ApplicationPlan } from "./application.js";
import { SocketRing } from "./socket-ring.js";

const NEVER = Number.POSITIVE_INFINITY;

/**
 * The reader threads of an application as times on the model clock: one thread for each receive
 * queue, each with the sockets that it has to read.
 *
 *      asleep --- dataReady, wakeNs + readDelay ---> awake: one receive call a step, round robin
 *         ^                                            |
 *         +---------- all its sockets are dry ---------+
 *
 *      next step = max(busy until, min(awake from, give-back or retry due))
 *
 * A step takes the time that its system calls cost; data that comes meanwhile finds the thread
 * awake. The three applications drive it; it knows nothing of bytes.
 */
export class ReaderThreads {
  readonly count: number;
  /** Model time of the earliest next step of all threads, and the thread that makes it. */
  nextNs = NEVER;
  next = 0;
  /** Cost of the running step so far; the application adds to it. */
  spentNs = 0;
  /** Next step of each thread. */
  readonly stepNs: Float64Array;
  /** When each thread has something to do beside reading: a give-back, a retry. */
  readonly dueNs: Float64Array;
  readonly #busyNs: Float64Array;
  readonly #wakeNs: Float64Array;
  readonly #ready: SocketRing[];
  readonly #clock: VirtualClock;
  readonly #cpu: CpuContext;
  readonly #wakeUpNs: number;
  /** Threads that ever had something to do are below this number. */
  #used = 0;
  /** Thread of each socket plus 1, 0 for none yet; whether the socket is in a ready ring. */
  #threadOf = new Uint16Array(1024);
  #isReady = new Uint8Array(1024);

  constructor(plan: ApplicationPlan, clock: VirtualClock, costs: Costs, cpu: CpuContext) {
    this.#cpu = cpu;
    this.count = plan.threads;
    this.stepNs = new Float64Array(plan.threads).fill(NEVER);
    this.dueNs = new Float64Array(plan.threads).fill(NEVER);
    this.#busyNs = new Float64Array(plan.threads);
    this.#wakeNs = new Float64Array(plan.threads).fill(NEVER);
    this.#ready = Array.from({ length: plan.threads }, () => new SocketRing());
    this.#clock = clock;
    this.#wakeUpNs = costs.wakeNs + plan.readDelayNs;
  }

  /** A socket has data: its thread wakes, unless it is awake. */
  dataReady(sock: number, queue: number): void {
    if (sock >= this.#threadOf.length) this.#grow(sock);
    if (this.#isReady[sock] === 1) return;
    this.#isReady[sock] = 1;
    let thread = this.#threadOf[sock]! - 1;
    if (thread < 0) {
      thread = queue % this.count;
      this.#threadOf[sock] = thread + 1;
    }
    const ring = this.#ready[thread]!;
    ring.push(sock);
    if (ring.count > 1) return;
    const nowNs = this.#clock.nowNs + this.#cpu.spentNs;
    const busyNs = this.#busyNs[thread]!;
    this.#wakeNs[thread] = nowNs < busyNs ? busyNs : nowNs + this.#wakeUpNs;
    this.#schedule(thread);
  }

  /** Begins a step of a thread: what happens until {@link finish} is its doing. Answers it. */
  begin(thread: number): number {
    const cpu = this.#cpu;
    cpu.task = TASK_THREAD;
    cpu.thread = thread;
    return thread;
  }

  /** The socket that an awake thread reads next, -1 if it has none now. */
  takeSocket(thread: number): number {
    if (this.#wakeNs[thread]! > this.#clock.nowNs) return -1;
    const ring = this.#ready[thread]!;
    const sock = ring.shift();
    if (sock >= 0) this.#isReady[sock] = 0;
    if (ring.count === 0) this.#wakeNs[thread] = NEVER;
    return sock;
  }

  /** The thread of a socket; the first one where it has none yet. */
  threadOf(sock: number): number {
    return sock < this.#threadOf.length ? Math.max(this.#threadOf[sock]! - 1, 0) : 0;
  }

  /** A socket has more to read: it goes behind the thread's others. */
  again(thread: number, sock: number): void {
    if (this.#isReady[sock] === 1) return;
    this.#isReady[sock] = 1;
    const ring = this.#ready[thread]!;
    ring.push(sock);
    if (ring.count === 1) this.#wakeNs[thread] = this.#clock.nowNs;
  }

  /** Ends a step of a thread: busy for what it cost. */
  finish(thread: number): void {
    const nowNs = this.#clock.nowNs;
    const busyNs = this.#busyNs[thread]!;
    this.#busyNs[thread] = Math.max(busyNs, nowNs) + this.spentNs;
    this.spentNs = 0;
    this.#cpu.task = TASK_OTHER;
    this.#schedule(thread);
  }

  /** Finds the earliest next step again, after steps were made or due times set. */
  settle(): void {
    const { stepNs } = this;
    const used = this.#used;
    let nextNs = NEVER;
    for (let t = 0; t < used; t++) {
      const ns = stepNs[t]!;
      if (ns < nextNs) {
        nextNs = ns;
        this.next = t;
      }
    }
    this.nextNs = nextNs;
  }

  /** After a step: whether the next one comes by the horizon; the clock then stands at it. */
  goOn(): boolean {
    this.settle();
    const clock = this.#clock;
    if (this.nextNs > clock.horizonNs || this.nextNs === NEVER) return false;
    clock.nowNs = this.nextNs;
    return true;
  }

  /** The process is gone: no thread has anything to do, and no socket belongs to one. */
  halt(): void {
    for (const times of [this.stepNs, this.dueNs, this.#wakeNs]) times.fill(NEVER);
    for (const ring of this.#ready) ring.clear();
    this.#threadOf.fill(0);
    this.#isReady.fill(0);
    this.spentNs = 0;
    this.nextNs = NEVER;
  }

  /** Moves all times when the clock's epoch moves. */
  rebase(deltaNs: number): void {
    for (const times of [this.stepNs, this.dueNs, this.#busyNs, this.#wakeNs]) {
      rebaseTimes(times, deltaNs);
    }
    this.nextNs -= deltaNs;
  }

  #schedule(thread: number): void {
    if (thread >= this.#used) this.#used = thread + 1;
    const wakeNs = this.#wakeNs[thread]!;
    const dueNs = this.dueNs[thread]!;
    const busyNs = this.#busyNs[thread]!;
    const wantsNs = Math.min(wakeNs, dueNs);
    const stepNs = Math.max(busyNs, wantsNs);
    this.stepNs[thread] = stepNs;
    if (stepNs < this.nextNs) {
      this.nextNs = stepNs;
      this.next = thread;
    }
  }

  #grow(sock: number): void {
    const size = 2 ** (32 - Math.clz32(sock));
    const threads = new Uint16Array(size);
    const ready = new Uint8Array(size);
    threads.set(this.#threadOf);
    ready.set(this.#isReady);
    this.#threadOf = threads;
    this.#isReady = ready;
  }
}
