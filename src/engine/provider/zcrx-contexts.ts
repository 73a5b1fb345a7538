import type { ZcrxIfq } from "./zcrx.js";

/**
 * The zcrx instances of a ring (ctx->zcrx_ctxs, an xarray). A mark tells those that were
 * terminated: ring exit may come by more than once before its requests are done.
 *
 *      xarray   [ ifq, live ][ ifq, marked ][ ifq, live ]
 *                  terminate     nothing        terminate
 */
export class ZcrxContexts {
  readonly #entries: Array<{ readonly ifq: ZcrxIfq; readonly close: () => void }> = [];
  readonly #marked = new Set<ZcrxIfq>();

  /** `close` takes the instance off its queue. */
  add(ifq: ZcrxIfq, close: () => void): void {
    this.#entries.push({ ifq, close });
  }

  /** io_terminate_zcrx: once for each instance. `regress`: the mark was set on the wrong thing. */
  terminateAll(regress: string): void {
    for (const { ifq, close } of this.#entries) {
      if (this.#marked.has(ifq)) continue;
      if (regress !== "F8") this.#marked.add(ifq);
      ifq.terminate(close);
    }
  }

  /** io_unregister_zcrx of each. */
  unregisterAll(): void {
    for (const { ifq } of this.#entries.splice(0)) ifq.unregister();
  }
}
