import type { KernelProfile } from "../kernel/profile.js";
import type { AreaRanges } from "../provider/area-ranges.js";
import { ERRNO } from "../provider/provider.js";
import type { ZcrxIfq } from "../provider/zcrx.js";
import { ZcrxArea } from "../provider/zcrx-area.js";
import type { DelayedWork } from "./delayed-work.js";
import type { KernelLog } from "./kernel-log.js";

/** What zcrx's control needs around it. */
export interface ZcrxControlDeps {
  readonly profile: KernelProfile;
  readonly ranges: AreaRanges;
  /** Queues with an instance, and niovs of each. */
  readonly queues: number;
  readonly niovs: number;
  readonly log: KernelLog;
  readonly work: DelayedWork;
  readonly table: ConstructorParameters<typeof ZcrxArea>[0];
  /** io_register_zcrx of queue `queue` over the netmems from `first`: an instance or an errno. */
  register(queue: number, first: number): ZcrxIfq | number;
  /** netif_mp_open_rxq and netif_mp_close_rxq of the device. */
  open(queue: number, ifq: ZcrxIfq): number;
  close(queue: number, ifq: ZcrxIfq): void;
}

/** How a ring goes: what is in flight when its last descriptor is closed. */
export interface RingExit {
  /** Requests in flight are finished after so long; 0 for none in flight. */
  readonly pendingNs?: number;
  /** They run once more between terminate and their end: `io_zcrx_recv` of whatever they are on. */
  readonly inFlight?: () => void;
}

/**
 * The io_uring instance of a zcrx application, and exported descriptors of its zcrx instances.
 *
 *      to 6.18   shut down (scrub, close), scrub again ... requests end ---> unregister
 *      7.0       requests end ---> close, scrub, unregister
 *      7.1 on    terminate (close, scrub) ---> requests end ---> unregister (scrub again)
 *
 * In 7.0 the queue stays taken while requests are in flight (fda90d43f4fa): an application that
 * starts again meanwhile gets -EEXIST.
 */
export class ZcrxControl {
  readonly kind = "zcrx";
  /** The instance of each queue; the application's consumer reads this array too. */
  readonly ifqs: ZcrxIfq[] = [];
  /** All instances so far, oldest first. */
  readonly all: ZcrxIfq[] = [];
  /** The ring is open; requests of a closed one may still be in flight. */
  open = false;
  readonly #deps: ZcrxControlDeps;
  /** Instances of the ring that is open, or was last. */
  #ring: ZcrxIfq[] = [];
  /** Instances with an exported descriptor that is open. */
  readonly #exported: ZcrxIfq[] = [];

  constructor(deps: ZcrxControlDeps) {
    this.#deps = deps;
  }

  /**
   * A new ring registers an instance on every queue, with memory of its own: 0, or the errno of the
   * first that is refused (-EEXIST while an older instance has the queue, -ENOMEM when the run has
   * no memory for one more area); the ring then goes again.
   */
  register(): number {
    // Its own instances have the queues (netif_mp_open_rxq).
    if (this.open) return this.#deps.log.note("zcrx-register", -ERRNO.EEXIST, "the ring is open");
    this.open = true;
    this.#ring = [];
    for (let queue = 0; queue < this.#deps.queues; queue++) {
      const failed = this.#registerOn(queue);
      this.#deps.log.note("zcrx-register", failed, `queue ${queue}`);
      if (failed === 0) continue;
      this.exit();
      return failed;
    }
    return 0;
  }

  /** ZCRX_CTRL_ADD_AREA for the instance of a queue: 0 or a negative errno. */
  addArea(queue: number): number {
    const { ranges, niovs, table } = this.#deps;
    const first = ranges.find();
    if (first < 0) return -ERRNO.ENOMEM;
    const ifq = this.ifqs[queue]!;
    const failed = ifq.addArea(new ZcrxArea(table, first, niovs, true));
    if (failed === 0) ranges.assign(first, ifq);
    return failed;
  }

  /**
   * ZCRX_CTRL_EXPORT of a queue's instance: another process has a descriptor of it. -EBADF once the
   * ring is closed, -ENXIO where the ring has no such instance.
   */
  exportFd(queue: number): number {
    const { log } = this.#deps;
    const ifq = this.#ring[queue];
    if (!this.open) return log.note("zcrx-export", -ERRNO.EBADF, `queue ${queue}`);
    if (ifq === undefined) return log.note("zcrx-export", -ERRNO.ENXIO, `queue ${queue}`);
    ifq.exportFd();
    this.#exported.push(ifq);
    return log.note("zcrx-export", 0, `queue ${queue}`);
  }

  /** The other process closes the descriptor that was exported first. -EBADF for none. */
  closeFd(): number {
    const ifq = this.#exported.shift();
    if (ifq === undefined) return this.#deps.log.note("zcrx-fd-close", -ERRNO.EBADF);
    this.#deps.log.note("zcrx-fd-close", 0, `queue ${ifq.queue}`);
    this.#close(ifq, (close) => ifq.closeFd(close));
    return 0;
  }

  /** The ring's last descriptor is closed (io_ring_ctx_wait_and_kill, io_ring_exit_work). */
  exit(how: RingExit = {}): void {
    if (!this.open) return;
    this.open = false;
    const ring = this.#ring;
    this.#ring = [];
    const pendingNs = how.pendingNs ?? 0;
    const early = this.#deps.profile.zcrxTeardown !== "close-scrub";
    if (early) this.#terminate(ring);
    how.inFlight?.();
    const end = () => {
      if (!early) this.#terminate(ring);
      this.#unregister(ring);
    };
    if (pendingNs > 0) this.#deps.work.after(pendingNs, end);
    else end();
  }

  /** Everything that is still open is closed, for the end of a run. */
  release(): void {
    this.exit();
    while (this.#exported.length > 0) this.closeFd();
  }

  #registerOn(queue: number): number {
    const { ranges } = this.#deps;
    const first = ranges.find();
    if (first < 0) return -ERRNO.ENOMEM;
    const ifq = this.#deps.register(queue, first);
    if (typeof ifq === "number") return ifq;
    const failed = this.#deps.open(queue, ifq);
    if (failed !== 0) {
      // A failed registration undoes all: the instance was never on the queue.
      ifq.queue = -1;
      ifq.terminate(() => {});
      ifq.unregister();
      return failed;
    }
    ranges.assign(first, ifq);
    this.ifqs[queue] = ifq;
    this.all.push(ifq);
    this.#ring.push(ifq);
    return 0;
  }

  #terminate(ring: readonly ZcrxIfq[]): void {
    const newest = this.#deps.profile.zcrxTeardown === "terminate-unregister";
    for (const ifq of ring) {
      this.#deps.log.note(newest ? "zcrx-terminate" : "zcrx-shutdown", 0, `queue ${ifq.queue}`);
      this.#close(ifq, (close) => ifq.terminate(close));
    }
  }

  #unregister(ring: readonly ZcrxIfq[]): void {
    for (const ifq of ring) {
      this.#deps.log.note("zcrx-unregister");
      ifq.unregister();
    }
  }

  #close(ifq: ZcrxIfq, drop: (close: () => void) => void): void {
    const { queue } = ifq;
    drop(() => this.#deps.close(queue, ifq));
  }
}
