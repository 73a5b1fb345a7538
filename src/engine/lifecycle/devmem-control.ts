import type { AreaRanges } from "../provider/area-ranges.js";
import type { DevmemBinding, DevmemBindPlan, DevmemRegistry } from "../provider/devmem.js";
import { ERRNO } from "../provider/provider.js";
import type { KernelLog } from "./kernel-log.js";

/** What devmem's control needs around it. */
export interface DevmemControlDeps {
  readonly registry: DevmemRegistry;
  readonly ranges: AreaRanges;
  readonly log: KernelLog;
  /** A bind-rx request for the dma-buf whose first netmem is `first`. */
  plan(first: number): DevmemBindPlan;
  /** netif_mp_open_rxq and netif_mp_close_rxq of the device. */
  open(queue: number, binding: DevmemBinding): number;
  close(queue: number, binding: DevmemBinding): void;
}

/** The netlink socket of a devmem application: what it bound lives until it is closed. */
export class DevmemControl {
  readonly kind = "devmem";
  /** The binding of the open netlink socket, null when it is closed. */
  binding: DevmemBinding | null = null;
  /** All bindings so far, oldest first. */
  readonly all: DevmemBinding[] = [];
  readonly #deps: DevmemControlDeps;

  constructor(deps: DevmemControlDeps) {
    this.#deps = deps;
  }

  /**
   * netdev_nl_bind_rx_doit with a dma-buf of its own: 0 or a negative errno. -EEXIST while a
   * binding has the queues (netif_mp_open_rxq), -ENOMEM when the run has no memory for one more
   * dma-buf.
   */
  bind(): number {
    const { registry, ranges, log } = this.#deps;
    if (this.binding !== null) return log.note("netlink-bind", -ERRNO.EEXIST);
    const first = ranges.find();
    if (first < 0) return log.note("netlink-bind", -ERRNO.ENOMEM);
    const { open, close } = this.#deps;
    const binding = registry.bind(this.#deps.plan(first), open, close);
    if (typeof binding === "number") return log.note("netlink-bind", binding);
    ranges.assign(first, binding);
    this.binding = binding;
    this.all.push(binding);
    return log.note("netlink-bind", 0, `binding ${binding.id}`);
  }

  /** The netlink socket is closed: unbinds (net_devmem_unbind_dmabuf). Nothing if it is. */
  release(): void {
    const { binding } = this;
    if (binding === null) return;
    this.binding = null;
    this.#deps.log.note("netlink-close", 0, `binding ${binding.id}`);
    this.#deps.registry.unbind(binding, this.#deps.close);
  }
}
