import type { Actors } from "./ledger/netmem-history.js";
import type { KernelLog } from "./lifecycle/kernel-log.js";
import {
  type CpuContext,
  TASK_CLOSE,
  TASK_DEVICE,
  TASK_RETRY,
  TASK_THREAD,
} from "./netmem/netmem-return.js";

/** Kinds of actors: a NAPI poll of a queue, and a thread of the application. */
export const ACTOR_NAPI = 1;
export const ACTOR_THREAD = 2;
/** The device is opened, closed or started; a detached pool is tried again; sockets are closed. */
export const ACTOR_DEVICE = 3;
export const ACTOR_RETRY = 4;
export const ACTOR_CLOSE = 5;
/** Whatever else: an event of the lifecycle, or a fault. */
export const ACTOR_EVENT = 6;

/** An actor as one integer: its kind, and below it a queue, a thread, or a place in the log. */
export const ACTOR_SHIFT = 24;

/**
 * Who moves a netmem, told from what the path runs now.
 *
 *      [ kind | index ]      index: queue or thread; else entries of the kernel log so far
 *        31-24   23-0               (an event is noted right before or right behind its doing)
 */
export class ActorSource implements Actors {
  readonly #cpu: CpuContext;
  readonly #log: KernelLog;

  constructor(cpu: CpuContext, log: KernelLog) {
    this.#cpu = cpu;
    this.#log = log;
  }

  now(): number {
    const { task, napiQueue, thread } = this.#cpu;
    if (napiQueue >= 0 && task !== TASK_DEVICE) return (ACTOR_NAPI << ACTOR_SHIFT) | napiQueue;
    if (task === TASK_THREAD) return (ACTOR_THREAD << ACTOR_SHIFT) | thread;
    const kind =
      task === TASK_DEVICE
        ? ACTOR_DEVICE
        : task === TASK_RETRY
          ? ACTOR_RETRY
          : task === TASK_CLOSE
            ? ACTOR_CLOSE
            : ACTOR_EVENT;
    return (kind << ACTOR_SHIFT) | this.#log.entries.length;
  }
}
