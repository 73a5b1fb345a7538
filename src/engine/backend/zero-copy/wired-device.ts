import { writeFileSync } from "node:fs";
import type { SteerRule } from "../../driver/steering.js";
import { sleepNs } from "../clock.js";
import { SystemError } from "../ffi/errno.js";
import { PeerInjector } from "../inject/peer.js";
import { BorrowedInterfaces } from "../net/borrow.js";
import { interfaceIndex, setDown, setUp } from "../net/device.js";
import { driverCounters } from "../net/ethtool.js";
import { LentPort } from "../net/lent-port.js";
import { type KernelPagePool, pagePools } from "../net/page-pools.js";
import { sendEverything } from "../net/routes.js";
import { Unavailable } from "../unavailable.js";
import type { ZeroCopyLink } from "./link.js";
import { NetIovAccount } from "./net-iov-account.js";
import { refusalOf } from "./refusals.js";

/** Where nmsim takes `PORT:QUEUE` to restart a queue. */
const RESTART = "/sys/module/nmsim/parameters/restart";

/** Of this thread's namespace alone (net/ipv4/tcp_timer.c, tcp_orphan_retries). */
const ORPHAN_RETRIES = "/proc/sys/net/ipv4/tcp_orphan_retries";
/** How long a pool may take to get its last netmems back, from orphaned sockets too. */
const SETTLE_MS = 8000;
const SETTLE_STEP_MS = 20;

/** What is left of the provider's pools when everything was given back. */
export interface Settled {
  readonly inflight: number;
  readonly zombies: number;
  /** Netmems in flight in each pool that outlived its queue, as it was first seen. */
  readonly detached: readonly number[];
}

/**
 * The device under test and the port that feeds it, for the time of a run in its own namespace.
 *
 *      host namespace  --borrow-->  run's namespace: peer ~> device, all flows to one queue
 */
export class WiredDevice {
  readonly #link: ZeroCopyLink;
  readonly #steer: "all" | "none" | readonly SteerRule[];
  #borrowed: BorrowedInterfaces | null = null;
  #ports: readonly LentPort[] = [];
  #injector: PeerInjector | null = null;
  #before = new Map<string, number>();
  #after = new Map<string, number>();
  /** The provider's pool, as it was last seen while it was in use. */
  pool: KernelPagePool | null = null;
  /** What entered and left the pools' accounts; null where the user may not count. */
  account: NetIovAccount | null = null;

  constructor(link: ZeroCopyLink, steer: "all" | "none" | readonly SteerRule[]) {
    this.#link = link;
    this.#steer = steer;
  }

  /** @throws Unavailable where an interface is not there. */
  open(): PeerInjector {
    const { interface: device, peer } = this.#link;
    this.#borrowed = new BorrowedInterfaces([device, peer], process.ppid);
    // Nobody acknowledges a FIN here, and orphaned sockets would keep their tokens, and after a
    // SIGKILL the namespace with the interfaces in it, for minutes: they give up at once.
    writeFileSync(ORPHAN_RETRIES, "1");
    this.#ports = [new LentPort(device), new LentPort(peer)];
    for (const port of this.#ports) port.widen();
    this.account = NetIovAccount.open();
    const injector = new PeerInjector(device, peer);
    this.#steerFlows();
    this.#before = this.#counters();
    this.#injector = injector;
    return injector;
  }

  /** Segments that the ports' frames could not hold whole. */
  get split(): number {
    return this.#injector?.split ?? 0;
  }

  /** Reads what the driver counted and what the provider's pool holds, while it is still there. */
  look(): void {
    this.#after = this.#counters();
    const pools = this.#providerPools();
    this.pool = pools.find(({ detachTime }) => detachTime === null) ?? pools[0] ?? this.pool;
  }

  /** What the driver counted since {@link open}, summed over its queues. */
  counted(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [name, value] of this.#after) {
      const plain = name.replace(/^rxq\d+_/, "");
      sums[plain] = (sums[plain] ?? 0) + value - (this.#before.get(name) ?? 0);
    }
    return Object.fromEntries(Object.entries(sums).filter(([, value]) => value !== 0));
  }

  /** Netmems in flight in the pools of the device that have a provider, detached ones too. */
  inflight(): number {
    return this.#providerPools().reduce((sum, pool) => sum + pool.inflight, 0);
  }

  /** Pools that outlived their queue, because netmems are out of them. */
  detached(): number {
    return detachedAmong(this.#providerPools()).length;
  }

  /** ip link set down, or up, with the way out that an interface loses when it goes down. */
  setLink(up: boolean): string {
    const { interface: device } = this.#link;
    try {
      if (!up) setDown(device);
      else {
        setUp(device);
        sendEverything(device);
      }
      return "";
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** netdev_rx_queue_restart, which nmsim alone offers to a user. */
  restartQueue(queue: number): string {
    const { interface: device } = this.#link;
    try {
      writeFileSync(RESTART, `${device}:${queue}`);
      return "";
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ENOENT"
        ? "no effect: this driver restarts no queue on demand"
        : `refused with -${code}`;
    }
  }

  /** Waits until the provider's pools are gone; what does not go is a leak. */
  settle(): Settled {
    let pools = this.#providerPools();
    const detached = detachedAmong(pools).map(({ inflight }) => inflight);
    for (let waited = 0; pools.length > 0 && waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
      sleepNs(SETTLE_STEP_MS * 1e6);
      pools = this.#providerPools();
    }
    return {
      inflight: pools.reduce((sum, { inflight }) => sum + inflight, 0),
      zombies: pools.length,
      detached,
    };
  }

  /** Moves the interfaces back, set up as they were; safe more than once. */
  close(): void {
    for (const port of this.#ports) port.restore();
    this.#ports = [];
    this.#borrowed?.giveBack();
  }

  /** What is not steered to the provider's queue lands on one without it. */
  #steerFlows(): void {
    const { queue, interface: device } = this.#link;
    try {
      this.#ports[0]!.steer(this.#steer, queue, queue === 0 ? 1 : 0);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // A port with one queue has nothing to steer.
      if (queue === 0 && this.#steer === "all") return;
      const what = `flows cannot be steered to queue ${queue} of ${device} (${error.message})`;
      throw new Unavailable("interface", what, `see ethtool -l, -x and -n ${device}`);
    }
  }

  #counters(): Map<string, number> {
    try {
      return driverCounters(this.#link.interface);
    } catch {
      // A driver without counters of its own.
      return new Map();
    }
  }

  #providerPools(): KernelPagePool[] {
    const ifindex = interfaceIndex(this.#link.interface);
    return pagePools().filter((pool) => pool.provider !== null && pool.ifindex === ifindex);
  }
}

function detachedAmong(pools: readonly KernelPagePool[]): KernelPagePool[] {
  return pools.filter(({ detachTime, inflight }) => detachTime !== null && inflight > 0);
}
