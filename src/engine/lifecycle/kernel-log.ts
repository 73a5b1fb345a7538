import type { VirtualClock } from "../clock/virtual-clock.js";

/** Every event of the lifecycle, with the kernel's function that it is. */
export const KERNEL_CALL = {
  "app-exit": "do_exit",
  "socket-close": "__tcp_close",
  "socket-destroy": "tcp_v4_destroy_sock",
  "socket-reset": "tcp_reset",
  "netlink-bind": "netdev_nl_bind_rx_doit",
  "netlink-close": "net_devmem_unbind_dmabuf",
  "binding-free": "__net_devmem_dmabuf_binding_free",
  "zcrx-register": "io_register_zcrx",
  "zcrx-shutdown": "io_shutdown_zcrx_ifqs",
  "zcrx-terminate": "io_terminate_zcrx",
  "zcrx-unregister": "io_unregister_zcrx",
  "zcrx-export": "zcrx_export",
  "zcrx-fd-close": "zcrx_box_release",
  "zcrx-free": "io_zcrx_ifq_free",
  "link-down": "dev_close",
  "link-up": "dev_open",
  "queue-restart": "netdev_rx_queue_restart",
  "ring-size": "ethnl_set_rings",
  "header-split": "ethnl_set_rings",
  "hds-thresh": "ethnl_set_rings",
  channels: "ethnl_set_channels",
  "xdp-attach": "dev_xdp_install",
  "driver-reset": "dev_watchdog",
  "netdev-unregister": "unregister_netdevice_many",
  "namespace-exit": "default_device_exit_batch",
} as const;

/** Name of a lifecycle event. */
export type LifecycleEvent = keyof typeof KERNEL_CALL;

/** One event as it happened. */
export interface LifecycleEntry {
  readonly event: LifecycleEvent;
  /** The kernel's function. */
  readonly call: string;
  /** Model time since the start of the run, in whole seconds and nanoseconds. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** 0, or the negative errno with which the kernel refused. */
  readonly errno: number;
  /** What it was about: a socket, a queue, a size. */
  readonly detail: string;
}

/** What happened to devices, sockets, providers and processes, oldest first. */
export class KernelLog {
  readonly entries: LifecycleEntry[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Notes an event; answers its errno. */
  note(event: LifecycleEvent, errno = 0, detail = ""): number {
    const { nowNs, epochSeconds } = this.#clock;
    const whole = Math.floor(nowNs / 1e9);
    this.entries.push({
      event,
      call: KERNEL_CALL[event],
      seconds: epochSeconds + whole,
      nanoseconds: nowNs - whole * 1e9,
      errno,
      detail,
    });
    return errno;
  }

  /** The events with a name. */
  of(event: LifecycleEvent): LifecycleEntry[] {
    return this.entries.filter((entry) => entry.event === event);
  }
}
