import type { Application } from "../app/application.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import * as ethtool from "../driver/ethtool.js";
import { DEVICE, type Netdev, type QueueOpFailures } from "../driver/netdev.js";
import type { Ledger } from "../ledger/ledger.js";
import { type CpuContext, TASK_DEVICE, TASK_OTHER } from "../netmem/netmem-return.js";
import type { NetmemTable } from "../netmem/netmem-table.js";
import type { PoolTable } from "../page-pool/pool-table.js";
import { ERRNO } from "../provider/provider.js";
import type { TcpStack } from "../tcp/tcp-stack.js";
import type { DelayedWork } from "./delayed-work.js";
import type { DevmemControl } from "./devmem-control.js";
import type { KernelLog, LifecycleEvent } from "./kernel-log.js";
import { fallbacksIn, type PoolView, poolView } from "./survivors.js";
import type { RingExit, ZcrxControl } from "./zcrx-control.js";

/** When the peer acknowledges the FIN of a closed socket, where nothing else is said. */
export const FIN_ACK_NS = 1_000_000;
/**
 * When an orphan gives up whose peer never acknowledges its FIN: tcp_orphan_retries, by default 8
 * of them from 200 ms on, each twice as late as the one before.
 */
export const ORPHAN_TIMEOUT_NS = 102_200_000_000;

/** What a dying process closes: its TCP sockets, its netlink socket or its io_uring. */
export type Closed = "sockets" | "control";

/** How a process goes. */
export interface ApplicationExit extends RingExit {
  /**
   * What is closed before what. close_files goes by descriptor numbers and leaves the work to a
   * list without an order (task_work), so that each order happens.
   */
  readonly order?: readonly Closed[];
  /** When the peer acknowledges a FIN. */
  readonly finAckNs?: number;
}

/** What the lifecycle of a receive path acts on. */
export interface LifecycleDeps {
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly netdev: Netdev;
  readonly tcp: TcpStack;
  readonly app: Application;
  /** What holds the provider: null for pages. */
  readonly control: DevmemControl | ZcrxControl | null;
  readonly log: KernelLog;
  readonly work: DelayedWork;
  /** ethtool changed the NIC's queues or its header split. */
  readonly channelsChanged: () => void;
  readonly splitChanged: (on: boolean) => void;
}

/**
 * The events that start, end and upset a receive path, under the names of the kernel's functions
 * ({@link KERNEL_CALL}). Each method is one event at the model time of now: call it between two
 * steps of the path ({@link ReceivePath.runTo}), or plan it with {@link at}. It answers 0, or the
 * negative errno with which the kernel refuses; then nothing was changed. All are in {@link log}.
 *
 *      process   exitApplication ---> sockets closed, control closed, in some order
 *      socket    closeSocket ---> orphan (FIN) or destroyed (RST)     resetSocket
 *      control   netlink: bindAgain, closeNetlink      io_uring: registerAgain, exitRing, fds
 *      device    linkDown/Up  restartQueue  setRing ...  resetDriver  unregisterNetdev
 */
export class Lifecycle {
  readonly log: KernelLog;
  /** False from {@link exitApplication} to the start of another process. */
  alive = true;
  readonly #deps: LifecycleDeps;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.log = deps.log;
  }

  /** Plans an event for a model time; it happens between two steps of the path. */
  at(atNs: number, event: (lifecycle: Lifecycle) => void): void {
    this.#deps.work.at(atNs, () => event(this));
  }

  // --- sockets and processes

  /**
   * close() of a socket. With unread data an RST goes out and it is destroyed at once; else its FIN
   * goes out, and it is destroyed when the peer acknowledges that, `finAckNs` from now. Until then
   * it keeps its tokens and its out-of-order data. -EBADF for a socket that is closed.
   */
  closeSocket(sock: number, finAckNs = FIN_ACK_NS): number {
    const { tcp, work } = this.#deps;
    if (sock < 0 || sock >= tcp.sockets || tcp.ending.closed(sock)) {
      return this.#done("socket-close", -ERRNO.EBADF, `socket ${sock}`);
    }
    const sent = tcp.ending.close(sock);
    this.log.note("socket-close", 0, `socket ${sock}, ${sent} sent`);
    if (sent === "FIN") work.after(finAckNs, () => this.#destroySocket(sock));
    return this.#settle(0);
  }

  /** An RST of the peer is accepted: what is queued stays readable, tokens stay valid. */
  resetSocket(sock: number): number {
    const { tcp } = this.#deps;
    if (sock < 0 || sock >= tcp.sockets) return this.#done("socket-reset", -ERRNO.EBADF);
    tcp.resetByPeer(sock);
    return this.#done("socket-reset", 0, `socket ${sock}`);
  }

  /** close() of every socket that is open, in order. */
  closeSockets(finAckNs = FIN_ACK_NS): void {
    const { tcp } = this.#deps;
    for (let sock = 0; sock < tcp.sockets; sock++) {
      if (!tcp.ending.closed(sock)) this.closeSocket(sock, finAckNs);
    }
  }

  /**
   * do_exit of the application: threads stop, then descriptors are closed in some order. What
   * `order` leaves out stays open, as it does while another process has the descriptor too.
   */
  exitApplication(how: ApplicationExit = {}): void {
    if (!this.alive) return;
    this.alive = false;
    const { tcp, app } = this.#deps;
    app.exit();
    // Nobody is there to be woken; tokens are still the sockets' business.
    tcp.events = { dataReady: () => {}, releaseUserFrags: (sock) => app.releaseUserFrags(sock) };
    this.log.note("app-exit");
    for (const closed of how.order ?? ["sockets", "control"]) {
      if (closed === "sockets") this.closeSockets(how.finAckNs);
      else this.#closeControl(how);
    }
    this.#settle(0);
  }

  // --- devmem and zcrx

  /** The netlink socket is closed: net_devmem_unbind_dmabuf. -EOPNOTSUPP without devmem. */
  closeNetlink(): number {
    const { control } = this.#deps;
    if (control?.kind !== "devmem") return this.#done("netlink-close", -ERRNO.EOPNOTSUPP);
    control.release();
    return this.#settle(0);
  }

  /** Another netlink socket binds another dma-buf to the queues: 0 or a negative errno. */
  bindAgain(): number {
    const { control } = this.#deps;
    if (control?.kind !== "devmem") return this.#done("netlink-bind", -ERRNO.EOPNOTSUPP);
    const failed = control.bind();
    if (failed === 0) this.#start();
    return this.#settle(failed);
  }

  /** The ring's last descriptor is closed while the process, or another one, lives on. */
  exitRing(how: RingExit = {}): number {
    const { control } = this.#deps;
    if (control?.kind !== "zcrx") return this.#done("zcrx-terminate", -ERRNO.EOPNOTSUPP);
    control.exit(how);
    return this.#settle(0);
  }

  /**
   * Another process sets up a ring and registers instances with memory of its own: 0 or the errno,
   * -EEXIST while an older instance has the queue.
   */
  registerAgain(): number {
    const { control } = this.#deps;
    if (control?.kind !== "zcrx") return this.#done("zcrx-register", -ERRNO.EOPNOTSUPP);
    const failed = control.register();
    if (failed === 0) this.#start();
    return this.#settle(failed);
  }

  /**
   * ZCRX_CTRL_EXPORT: another process gets a descriptor of a queue's instance. -ENXIO where there
   * is none, -EBADF where the ring is closed.
   */
  exportFd(queue: number): number {
    const { control } = this.#deps;
    if (control?.kind !== "zcrx") return this.#done("zcrx-export", -ERRNO.EOPNOTSUPP);
    return this.#settle(control.exportFd(queue));
  }

  /** The other process closes it. -EBADF where none is open. */
  closeFd(): number {
    const { control } = this.#deps;
    if (control?.kind !== "zcrx") return this.#done("zcrx-fd-close", -ERRNO.EOPNOTSUPP);
    return this.#settle(control.closeFd());
  }

  // --- the device

  /** ip link set down: pools destroyed, providers stay installed. -ENODEV once unregistered. */
  linkDown(): number {
    const { netdev } = this.#deps;
    if (!netdev.registered) return this.#done("link-down", -ERRNO.ENODEV);
    netdev.stop();
    return this.#done("link-down");
  }

  /** ip link set up: the driver builds its queues again, with the providers. */
  linkUp(): number {
    return this.#done("link-up", this.#deps.netdev.up());
  }

  /**
   * netdev_rx_queue_restart. `failing` are queue ops that fail on the way, how often each: one
   * start, and the old queue goes on; two, and it is left without memory, with a WARN.
   */
  restartQueue(queue: number, failing: Partial<QueueOpFailures> = {}): number {
    const { netdev } = this.#deps;
    const detail = `queue ${queue}`;
    if (!netdev.registered) return this.#done("queue-restart", -ERRNO.ENODEV, detail);
    if (queue < 0 || queue >= netdev.queues.length || queue >= netdev.channels) {
      return this.#done("queue-restart", -ERRNO.ERANGE, detail);
    }
    Object.assign(netdev.failing, failing);
    const failed = netdev.mgmt.restart(queue);
    Object.assign(netdev.failing, { memAlloc: 0, start: 0, stop: 0 });
    return this.#done("queue-restart", failed, detail);
  }

  /** ethtool -G: length of the buffer rings. Allowed with a provider bound. */
  setRing(descriptors: number): number {
    const failed = ethtool.setRing(this.#deps.netdev, descriptors);
    return this.#done("ring-size", failed, `${descriptors}`);
  }

  /** ethtool -L: -EINVAL where a queue with a provider would go. */
  setChannels(channels: number): number {
    const failed = ethtool.setChannels(this.#deps.netdev, channels);
    if (failed === 0) this.#deps.channelsChanged();
    return this.#done("channels", failed, `${channels}`);
  }

  /** ethtool -G tcp-data-split: -EINVAL for off while a provider is bound. */
  setHeaderSplit(on: boolean): number {
    const failed = ethtool.setHeaderSplit(this.#deps.netdev, on);
    if (failed === 0) this.#deps.splitChanged(on);
    return this.#done("header-split", failed, on ? "on" : "off");
  }

  /** ethtool -G hds-thresh: -EINVAL for other than 0 while a provider is bound. */
  setHdsThresh(bytes: number): number {
    const failed = ethtool.setHdsThresh(this.#deps.netdev, bytes);
    return this.#done("hds-thresh", failed, `${bytes}`);
  }

  /** An XDP program is attached: -EBUSY while a provider is bound. */
  attachXdp(program: "single-buffer" | "frags" = "frags"): number {
    const failed = ethtool.attachXdp(this.#deps.netdev, program);
    return this.#done("xdp-attach", failed, program);
  }

  /** The driver resets itself (transmit timeout, AER, firmware): all queues down and up again. */
  resetDriver(): number {
    const { netdev } = this.#deps;
    if (!netdev.registered) return this.#done("driver-reset", -ERRNO.ENODEV);
    return this.#done("driver-reset", netdev.rebuild());
  }

  /** The device goes: closed, providers uninstalled, surviving pools shown on `lo`. */
  unregisterNetdev(): number {
    const { netdev } = this.#deps;
    if (!netdev.registered) return this.#done("netdev-unregister", -ERRNO.ENODEV);
    netdev.unregister();
    return this.#done("netdev-unregister");
  }

  /**
   * The namespace goes. A device that is still there is closed and moved to the initial namespace,
   * down, with its providers; pools that outlive it were on the old namespace's `lo` and are
   * invisible from now on: only these print the warning of a stalled shutdown.
   */
  exitNamespace(): void {
    const { netdev, pools } = this.#deps;
    netdev.stop();
    pools.unregisterDevice(DEVICE, true);
    this.#done("namespace-exit");
  }

  // --- looking at it

  /** Every page pool so far, by number. */
  pools(): PoolView[] {
    const { pools, ledger } = this.#deps;
    return pools.pools.filter((pool) => pool !== null).map((pool) => poolView(pool, ledger));
  }

  /** zcrx copy fallbacks that nobody gave back. */
  get fallbacks(): number {
    return fallbacksIn(this.#deps.table);
  }

  /** Orderly end of a run: device down, every provider closed, pools tried for `tryNs` more. */
  finish(tryNs: number): void {
    const { clock, cpu, netdev, control, pools, work } = this.#deps;
    cpu.task = TASK_DEVICE;
    netdev.stop();
    control?.release();
    cpu.task = TASK_OTHER;
    const endNs = clock.nowNs + tryNs;
    for (;;) {
      const nextNs = Math.min(work.nextNs, pools.nextRetryNs);
      if (nextNs > endNs) return;
      clock.nowNs = Math.max(clock.nowNs, nextNs);
      if (work.nextNs <= clock.nowNs) work.run();
      else pools.retryRelease();
    }
  }

  #closeControl(how: RingExit): void {
    const { control } = this.#deps;
    if (control?.kind === "zcrx") control.exit(how);
    else control?.release();
  }

  #destroySocket(sock: number): void {
    this.#deps.tcp.ending.destroy(sock);
    this.log.note("socket-destroy", 0, `socket ${sock}`);
  }

  /** Another process of the same program takes over. */
  #start(): void {
    const { tcp, app } = this.#deps;
    this.alive = true;
    app.start();
    tcp.events = app;
  }

  #done(event: LifecycleEvent, errno = 0, detail = ""): number {
    this.log.note(event, errno, detail);
    return this.#settle(errno);
  }

  /** What an event did costs no CPU of the next poll, and may have woken somebody. */
  #settle(errno: number): number {
    const { cpu, work } = this.#deps;
    cpu.spentNs = 0;
    work.wake();
    return errno;
  }
}
