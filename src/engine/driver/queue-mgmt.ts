import { ERRNO, type MemoryProvider, type NetlinkAttributes } from "../provider/provider.js";

/**
 * The queue management ops of a driver (include/net/netdev_queues.h). `Mem` is what the driver
 * keeps of a queue: rings and pools. Errors are negative errno values.
 */
export interface QueueMgmtOps<Mem extends object> {
  /** ndo_queue_mem_alloc: everything of a queue, its page pools too. Any time. */
  memAlloc(queue: number): Mem | number;
  /** ndo_queue_mem_free: destroys the pools, which may live on detached. Any time. */
  memFree(mem: Mem): void;
  /** ndo_queue_start: takes `mem` into use. Only while the interface runs. */
  start(mem: Mem, queue: number): number;
  /** ndo_queue_stop: NAPI off, ring drained; what was in use, or an errno. Only while it runs. */
  stop(queue: number): Mem | number;
}

/** What the core knows of the device. */
export interface NetDevice {
  /** The device uses the instance lock ("ops" lock). */
  readonly opsLock: boolean;
  readonly realNumRxQueues: number;
  readonly tcpDataSplit: boolean;
  readonly hdsThresh: number;
  readonly xdpAttached: boolean;
  /** The driver supports QCFG_RX_PAGE_SIZE. */
  readonly rxPageSizes: boolean;
  readonly running: boolean;
  /** False once netdev unregister is past REGISTERED. */
  readonly registered: boolean;
  /** KernelProfile.regress; no historic bug where it is absent. */
  readonly regress?: string;
}

/** A receive queue as the core sees it (struct netdev_rx_queue). */
export interface RxQueueState {
  /** mp_params: the installed provider and the page size asked for with it, 0 for none. */
  provider: MemoryProvider | null;
  rxPageSize: number;
  /** An AF_XDP pool is attached. */
  xskPool: boolean;
  /** Leased to a virtual device, or mapped to one. */
  leased: boolean;
}

/** A provider to install: `mp_ops`, `mp_priv` and `rx_page_size` in one. */
export interface ProviderParams {
  readonly provider: MemoryProvider;
  /** Bytes of a buffer, 0 for the default. */
  readonly rxPageSize: number;
}

/**
 * Opening, closing and restarting the receive queues of one device (net/core/netdev_rx_queue.c).
 *
 *      open   checks --> mp_params set --> restart --> (failed: mp_params cleared)
 *      restart   memAlloc new --> check provider --> stop old --> start new --> memFree old
 *                                                        start old again if start new fails
 *
 * Between memAlloc and memFree two pools of the queue share one provider.
 */
export class QueueMgmt<Mem extends object> {
  readonly queues: RxQueueState[];
  /** Warnings of the kernel log, oldest first. */
  readonly warnings: string[] = [];
  readonly #device: NetDevice;
  readonly #ops: QueueMgmtOps<Mem> | null;
  readonly #checkProvider: (provider: MemoryProvider | null, queue: number) => number;

  /**
   * `ops` is null for a driver without queue management ops; `checkProvider` is
   * page_pool_check_memory_provider (PoolTable.checkMemoryProvider).
   */
  constructor(
    device: NetDevice,
    ops: QueueMgmtOps<Mem> | null,
    checkProvider: (provider: MemoryProvider | null, queue: number) => number,
  ) {
    this.#device = device;
    this.#ops = ops;
    this.#checkProvider = checkProvider;
    this.queues = Array.from({ length: device.realNumRxQueues }, () => ({
      provider: null,
      rxPageSize: 0,
      xskPool: false,
      leased: false,
    }));
  }

  /** netif_mp_open_rxq: 0, or the errno of the first check that fails, or of the restart. */
  open(queue: number, wanted: ProviderParams): number {
    const refused = this.#checkOpen(queue, wanted);
    if (refused !== 0) return refused;
    const rxq = this.queues[queue]!;
    rxq.provider = wanted.provider;
    rxq.rxPageSize = wanted.rxPageSize;
    const failed = this.restart(queue);
    if (failed !== 0) this.#clear(rxq);
    return failed;
  }

  /**
   * netif_mp_close_rxq. Does nothing where the device is being unregistered; warns and does nothing
   * for another provider than the installed one.
   */
  close(queue: number, installed: ProviderParams): void {
    const rxq = this.queues[queue];
    if (rxq === undefined) {
      this.warnings.push(`close of queue ${queue}, which does not exist`);
      return;
    }
    if (!this.#device.registered) {
      // With mp_params left behind the kernel would go on to restart a queue that was freed.
      if (rxq.provider !== null) this.warnings.push(`close of queue ${queue} of a freed device`);
      return;
    }
    if (rxq.provider !== installed.provider) {
      this.warnings.push(`close of queue ${queue} by a provider that is not installed`);
      return;
    }
    this.#clear(rxq);
    const failed = this.restart(queue);
    if (failed !== 0 && failed !== -ERRNO.ENETDOWN) {
      this.warnings.push(`restart of queue ${queue} on close: ${failed}`);
    }
  }

  /**
   * netdev_rx_queue_restart: 0 or a negative errno; mp_params stay as they are. If neither the new
   * nor the old memory can be started, both are freed and the queue is left without any.
   */
  restart(queue: number): number {
    const ops = this.#ops;
    if (ops === null) return -ERRNO.EOPNOTSUPP;
    const fresh = ops.memAlloc(queue);
    if (typeof fresh === "number") return fresh;
    const ignored = this.#checkProvider(this.queues[queue]!.provider, queue);
    if (ignored !== 0) {
      ops.memFree(fresh);
      return ignored;
    }
    // Once a closed device's queues were stopped and started too (row F25).
    if (!this.#device.running && this.#device.regress !== "F25") {
      ops.memFree(fresh);
      return 0;
    }
    const old = ops.stop(queue);
    if (typeof old === "number") {
      ops.memFree(fresh);
      return old;
    }
    const failed = ops.start(fresh, queue);
    if (failed === 0) {
      ops.memFree(old);
      return 0;
    }
    if (ops.start(old, queue) !== 0) {
      this.warnings.push(
        `Failed to restart old queue in error path. RX queue ${queue} may be unhealthy.`,
      );
      // Once the old memory was forgotten (row F38).
      if (this.#device.regress !== "F38") ops.memFree(old);
    }
    ops.memFree(fresh);
    return failed;
  }

  /**
   * dev_memory_provider_uninstall, in unregister_netdevice_many after the device was closed: each
   * provider forgets its queue. zcrx clears mp_params; devmem leaves them, with nobody to use them.
   */
  uninstall(): void {
    this.queues.forEach((rxq, queue) => {
      if (rxq.provider?.uninstall(queue) === true) this.#clear(rxq);
    });
  }

  /** dev_get_min_mp_channel_count: the channels that providers in use need, 0 for none. */
  get minChannels(): number {
    for (let queue = this.queues.length - 1; queue >= 0; queue--) {
      if (this.queues[queue]!.provider !== null) return queue + 1;
    }
    return 0;
  }

  /** queue-get of the netdev family: what the provider adds. */
  nlFill(queue: number): NetlinkAttributes | number {
    const answer: NetlinkAttributes = {};
    const failed = this.queues[queue]!.provider?.nlFill(answer, queue) ?? 0;
    return failed !== 0 ? failed : answer;
  }

  #checkOpen(queue: number, wanted: ProviderParams): number {
    const device = this.#device;
    if (!device.opsLock) return -ERRNO.EOPNOTSUPP;
    if (queue < 0 || queue >= device.realNumRxQueues) return -ERRNO.ERANGE;
    if (!device.tcpDataSplit) return -ERRNO.EINVAL;
    if (device.hdsThresh !== 0) return -ERRNO.EINVAL;
    if (device.xdpAttached) return -ERRNO.EEXIST;
    if (wanted.rxPageSize !== 0 && !device.rxPageSizes) return -ERRNO.EOPNOTSUPP;
    const rxq = this.queues[queue]!;
    if (rxq.provider !== null) return -ERRNO.EEXIST;
    if (rxq.xskPool || rxq.leased) return -ERRNO.EBUSY;
    return 0;
  }

  #clear(rxq: RxQueueState): void {
    rxq.provider = null;
    rxq.rxPageSize = 0;
  }
}
