import { check } from "../ledger/invariant.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import type { PagePool } from "../page-pool/page-pool.js";
import { Counters } from "../probe/counters.js";
import { ERRNO, type MemoryProvider } from "../provider/provider.js";
import { FbnicMaker } from "./fbnic-maker.js";
import type { PackedProfile } from "./profile.js";
import {
  DEVICE,
  type QueueDeps,
  type QueueMaker,
  type QueueMem,
  type QueueMemory,
} from "./queue-maker.js";
import { type NetDevice, QueueMgmt } from "./queue-mgmt.js";
import type { ReceiveQueue } from "./receive-queue.js";
import { BnxtMaker, GveMaker } from "./slot-makers.js";
import type { SlotProfile } from "./slot-profiles.js";

export { DEVICE, type QueueMem, type QueueMemory } from "./queue-maker.js";

/** What a device is built from. */
export interface NetdevDeps extends Omit<QueueDeps, "counters"> {
  readonly profile: PackedProfile | SlotProfile;
  /** Receive queues that the device can have (real_num_rx_queues). */
  readonly rxQueues: number;
}

/** A queue with the pools behind its rings, as they are now. */
export interface QueueWithPools {
  readonly queue: ReceiveQueue;
  headerPool: PagePool;
  payloadPool: PagePool;
  /** The queue runs with these pools; false while the device is down or its restart failed. */
  live: boolean;
}

/** Queue ops that are to fail next, how often each. */
export interface QueueOpFailures {
  memAlloc: number;
  start: number;
  stop: number;
}

/** What stop answers for a queue that has no memory. */
const NO_MEM = {} as QueueMem;

/**
 * The device's receive side: makes queues with their pools as its driver does, takes them down,
 * and has the driver's queue management ops.
 *
 *      down:  open(queue) checks, tries the provider's pools    addQueue(memory)...   up
 *      up:    restart(queue): new pools and rings, stop, start, old pools destroyed or detached
 *      stop()   every queue stopped, its pools destroyed; providers stay     up()   built again
 *      unregister()   down for good, providers uninstalled, pools shown on `lo`
 */
export class Netdev {
  readonly counters: Counters;
  readonly queues: QueueWithPools[] = [];
  /** The core's side of the queues: which provider is installed. */
  readonly mgmt: QueueMgmt<QueueMem>;
  /** The interface is up; false again after {@link stop}. */
  running = false;
  /** False once unregister_netdevice_many is past NETREG_REGISTERED. */
  registered = true;
  /** ethtool -G: rx, tcp-data-split, hds-thresh; an XDP program. */
  ring: number;
  tcpDataSplit: boolean;
  hdsThresh = 0;
  xdp: "none" | "single-buffer" | "frags" = "none";
  /** The driver cannot leave packets unsplit. */
  readonly alwaysSplits: boolean;
  /** ethtool -L: queues below this number are in use. */
  channels: number;
  /** Queue ops that fail next: -ENOMEM for memAlloc, -EIO for start and stop. */
  readonly failing: QueueOpFailures = { memAlloc: 0, start: 0, stop: 0 };
  #closed = false;
  /** Every payload pool that a queue had, by queue; detached ones may still own netmems. */
  readonly payloadPools: PagePool[][] = [];
  readonly #deps: NetdevDeps;
  readonly #maker: QueueMaker;
  readonly #memory: QueueMemory[] = [];

  constructor(deps: NetdevDeps) {
    this.#deps = deps;
    this.ring = deps.ring;
    this.tcpDataSplit = deps.tcpDataSplit;
    this.alwaysSplits = deps.profile.alwaysSplits;
    this.channels = deps.rxQueues;
    this.counters = new Counters(deps.profile.counters);
    this.#maker = makerOf(deps.profile, queueDeps(this, deps));
    const device = coreView(this, deps.rxQueues, deps.pools.deps.regress ?? "");
    const ops = {
      memAlloc: (queue: number) => {
        const { memAllocClosed } = deps.profile;
        return this.#closed && memAllocClosed !== 0 ? memAllocClosed : this.#tryAlloc(queue);
      },
      memFree: (mem: QueueMem) => this.#memFree(mem),
      start: (mem: QueueMem, queue: number) => this.#tryStart(mem, queue),
      stop: (queue: number) => this.#tryHalt(queue),
    };
    this.mgmt = new QueueMgmt<QueueMem>(device, ops, (provider, queue) =>
      deps.pools.checkMemoryProvider(provider, queue),
    );
  }

  /**
   * netif_mp_open_rxq: installs the provider of `memory` on a queue. 0, or the negative errno of
   * the first check that fails, of a pool, or of the provider.
   */
  open(queue: number, memory: QueueMemory): number {
    const { provider, netmemBytes } = memory;
    if (provider === null) throw new Error("a provider is opened on a queue, pages are not");
    if (!this.registered) return -ERRNO.ENODEV;
    // A second provider is refused: the queue keeps what it has.
    if ((this.mgmt.queues[queue]?.provider ?? null) === null) this.#memory[queue] = memory;
    const rxPageSize = netmemBytes === PAGE_SIZE ? 0 : netmemBytes;
    return this.mgmt.open(queue, { provider, rxPageSize });
  }

  /** netif_mp_close_rxq: takes the provider off the queue, which goes on with pages if it runs. */
  close(queue: number, provider: MemoryProvider): void {
    this.mgmt.close(queue, { provider, rxPageSize: 0 });
  }

  /**
   * ndo_open of the next queue, and fills its rings; a negative errno when a pool refuses. Its
   * provider must be open.
   */
  addQueue(memory: QueueMemory): QueueWithPools | number {
    const index = this.queues.length;
    if (this.mgmt.queues[index]?.provider !== memory.provider) {
      throw new Error(`queue ${index} comes up with a provider that is not open on it`);
    }
    this.#memory[index] = memory;
    const mem = this.#memAlloc(index);
    if (typeof mem === "number") return mem;
    this.#start(mem, index);
    if (this.#closed) this.#memFree(this.#halt(index));
    else this.running = true;
    return this.queues[index]!;
  }

  /** dev_close and ndo_stop: every queue silent and flushed, then its pools destroyed. */
  stop(): void {
    if (!this.running) return;
    this.#closed = true;
    this.running = false;
    for (let queue = 0; queue < this.queues.length; queue++) this.#memFree(this.#halt(queue));
  }

  /**
   * dev_open, ndo_open: all queues with what is installed on them. 0, or the errno of a pool; the
   * device then stays down. -ENODEV once it is unregistered.
   */
  up(): number {
    if (!this.registered) return -ERRNO.ENODEV;
    if (this.running) return 0;
    const count = Math.min(this.channels, this.queues.length);
    for (let queue = 0; queue < count; queue++) {
      const mem = this.#tryAlloc(queue);
      const failed = typeof mem === "number" ? mem : this.#tryStart(mem, queue);
      if (failed === 0) continue;
      if (typeof mem !== "number") this.#memFree(mem);
      for (let made = 0; made < queue; made++) this.#memFree(this.#halt(made));
      return failed;
    }
    this.#closed = false;
    this.running = true;
    return 0;
  }

  /** The driver closes and opens itself: 0, or why it stays closed. Nothing if it is down. */
  rebuild(): number {
    if (!this.running) return 0;
    this.stop();
    return this.up();
  }

  /**
   * unregister_netdevice_many: down, providers uninstalled, then the pools that live on are shown
   * on the namespace's `lo` (page_pool_unreg_netdev).
   */
  unregister(): void {
    if (!this.registered) return;
    this.stop();
    this.registered = false;
    this.mgmt.uninstall();
    this.#deps.pools.unregisterDevice(DEVICE, false);
  }

  #tryAlloc(index: number): QueueMem | number {
    if (this.failing.memAlloc === 0) return this.#memAlloc(index);
    this.failing.memAlloc--;
    return -ERRNO.ENOMEM;
  }

  #tryStart(mem: QueueMem, index: number): number {
    if (this.failing.start === 0) return this.#start(mem, index);
    this.failing.start--;
    return -ERRNO.EIO;
  }

  #tryHalt(index: number): QueueMem | number {
    check(this.running, 28, "a queue of a closed device was stopped");
    if (this.failing.stop === 0) return this.#halt(index);
    this.failing.stop--;
    return -ERRNO.EIO;
  }

  /** ndo_queue_mem_alloc: pools and rings, with the provider that is installed now. */
  #memAlloc(index: number): QueueMem | number {
    const known = this.#memory[index]!;
    const provider = this.mgmt.queues[index]!.provider;
    const netmemBytes = provider !== known.provider ? PAGE_SIZE : known.netmemBytes;
    return this.#maker.memAlloc(index, { pages: known.pages, provider, netmemBytes });
  }

  /** ndo_queue_mem_free: destroys the pools; one with netmems out lives on detached. */
  #memFree(mem: QueueMem): void {
    if (mem === NO_MEM) return;
    this.#maker.release(mem);
    this.#deps.pools.destroy(mem.payloadPool);
    this.#deps.pools.destroy(mem.headerPool);
  }

  /**
   * ndo_queue_start. While the hardware sets a queue up again, that one drops what arrives, and the
   * others too where the driver silences what they share.
   */
  #start(mem: QueueMem, index: number): number {
    const { headerPool, payloadPool } = mem;
    const made = this.queues[index];
    if (made === undefined) {
      const queue = this.#maker.queue(index, mem);
      this.queues.push({ queue, headerPool, payloadPool, live: true });
    } else {
      Object.assign(made, { headerPool, payloadPool, live: true });
      const { restartNs, restartPeers } = this.#deps.profile;
      const untilNs = restartNs > 0 ? this.#deps.clock.nowNs + restartNs : Number.NEGATIVE_INFINITY;
      made.queue.silence(untilNs);
      if (restartPeers === "drop") {
        for (const { queue, live } of this.queues) if (live) queue.silence(untilNs);
      }
    }
    const pools = this.payloadPools[index] ?? [];
    this.payloadPools[index] = pools;
    if (!pools.includes(payloadPool)) pools.push(payloadPool);
    this.queues[index]!.queue.start(mem);
    return 0;
  }

  /** ndo_queue_stop: what was in use, its rings empty; the queue is off until it is started. */
  #halt(index: number): QueueMem {
    const made = this.queues[index]!;
    if (!made.live) return NO_MEM;
    made.live = false;
    made.queue.stop();
    if (this.#deps.pools.deps.regress === "F29") putAgain(made.payloadPool);
    made.queue.silence(Number.POSITIVE_INFINITY);
    return made.queue.mem;
  }
}

/** A driver that gives up again what it gave up (row F29). */
function putAgain(pool: PagePool): void {
  let last = -1;
  pool.ring.walk((n) => {
    last = n;
  });
  if (last >= 0) pool.putNetmem(last);
}

/** What the queues of a device are made from: the ring's length and the split as they are then. */
function queueDeps(dev: Netdev, deps: NetdevDeps): QueueDeps {
  return {
    ...deps,
    counters: dev.counters,
    get ring() {
      return dev.ring;
    },
    get tcpDataSplit() {
      return dev.tcpDataSplit;
    },
  };
}

/** The one place where a profile's name decides. */
function makerOf(profile: PackedProfile | SlotProfile, deps: QueueDeps): QueueMaker {
  if (profile.name === "bnxt") return new BnxtMaker(deps);
  if (profile.name === "gve") return new GveMaker(deps);
  return new FbnicMaker(profile as PackedProfile, deps);
}

/** What the core reads of the device, as it is when it looks. */
function coreView(dev: Netdev, rxQueues: number, regress: string): NetDevice {
  return {
    regress,
    opsLock: true,
    rxPageSizes: true,
    realNumRxQueues: rxQueues,
    get tcpDataSplit() {
      return dev.tcpDataSplit;
    },
    get hdsThresh() {
      return dev.hdsThresh;
    },
    get xdpAttached() {
      return dev.xdp !== "none";
    },
    get running() {
      return dev.running;
    },
    get registered() {
      return dev.registered;
    },
  };
}
