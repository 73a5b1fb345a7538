import { check } from "../ledger/invariant.js";
import type { ZcrxAreas } from "./zcrx-areas.js";
import type { ZcrxDeps } from "./zcrx-deps.js";

/**
 * The life of a zcrx instance: who keeps it, its queue and its memory, and in which order it ends.
 *
 *      userRefs   rings, exported descriptors     last one: queue closed, user references scrubbed
 *      refs       itself, its pools, descriptors  last one: areas unmapped, all freed
 */
export abstract class ZcrxInstance {
  /** The queue, -1 while it is not open. */
  queue: number;
  refs = 1;
  userRefs = 1;
  freed = false;
  /** What the free gave up, in its order (0fcccfd87152 put `user` last); empty before. */
  freeOrder: readonly string[] = [];
  /** Close of the queue, terminate and unregister ran. */
  terminated = false;
  unregistered = false;
  #closeLate: (() => void) | null = null;
  protected readonly deps: ZcrxDeps;
  abstract readonly areas: ZcrxAreas;

  constructor(queue: number, deps: ZcrxDeps) {
    this.queue = queue;
    this.deps = deps;
  }

  /** io_zcrx_scrub (Z7): takes back every user reference. */
  abstract scrub(): void;

  /** A registration whose queue could not be opened is undone. */
  cancel(): void {
    this.queue = -1;
    this.put();
  }

  /** ZCRX_CTRL_EXPORT: one more descriptor of the instance, which keeps queue and memory. */
  exportFd(): void {
    this.refs++;
    this.userRefs++;
  }

  /** The last close of an exported descriptor (zcrx_box_release, zcrx_unregister). */
  closeFd(close: () => void): void {
    this.#dropUser(close);
    this.put();
  }

  /**
   * Ring exit, first step (io_terminate_zcrx, or io_shutdown_zcrx_ifqs before 7.1): closes the
   * queue through `close` and takes user references back, in the profile's order.
   */
  terminate(close: () => void): void {
    check(!this.terminated, 52, "a zcrx instance was terminated twice");
    this.terminated = true;
    this.#dropUser(close);
  }

  /** zcrx_unregister_user: without users the queue is closed and every user reference goes. */
  #dropUser(close: () => void): void {
    check(this.userRefs > 0, 52, "a user reference of a zcrx instance was put too often");
    if (--this.userRefs > 0) return;
    if (this.deps.profile.regress === "F7") {
      // Before fda90d43f4fa the queue was closed when the last request was done.
      this.#closeLate = close;
      return;
    }
    const scrubFirst = this.deps.profile.zcrxTeardown === "scrub-close";
    if (scrubFirst) this.#exitScrub();
    this.#closeQueue(close);
    if (!scrubFirst) this.#exitScrub();
  }

  /**
   * Ring exit, last step (io_unregister_zcrx): scrubs what requests in flight took meanwhile (but
   * not in 7.0, where they end before terminate), and drops the instance's own reference.
   */
  unregister(): void {
    check(this.terminated && !this.unregistered, 52, "unregister without terminate, or twice");
    this.unregistered = true;
    if (this.#closeLate !== null) {
      this.#closeQueue(this.#closeLate);
      this.scrub();
    }
    const twice = this.deps.profile.zcrxTeardown !== "close-scrub";
    if (twice && this.userRefs === 0) this.#exitScrub();
    this.put();
  }

  #exitScrub(): void {
    if (this.deps.profile.zcrxExitScrub) this.scrub();
  }

  /** io_close_queue; does nothing once the device is gone. Areas are unmapped with it since 7.1. */
  #closeQueue(close: () => void): void {
    if (this.queue < 0) return;
    close();
    if (this.deps.profile.zcrxTeardown === "terminate-unregister") this.areas.mapped = false;
    this.queue = -1;
  }

  /** Drops a reference of the instance itself; the last one frees (io_zcrx_ifq_free). */
  protected put(): void {
    check(this.refs > 0, 25, "zcrx instance put too often");
    if (--this.refs > 0) return;
    this.freed = true;
    this.areas.mapped = false;
    const order = ["areas", "mm", "device", "region", "user"];
    this.freeOrder = this.deps.profile.regress === "F9" ? ["user", ...order.slice(0, 4)] : order;
    this.deps.onFree?.(this);
  }
}
