import type { Costs } from "../clock/costs.js";
import type { VirtualClock } from "../clock/virtual-clock.js";
import { check } from "../ledger/invariant.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Arena } from "../memory/arena.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { createPool } from "../page-pool/create-pool.js";
import type { PagePool } from "../page-pool/page-pool.js";
import {
  DMA_BIDIRECTIONAL,
  DMA_FROM_DEVICE,
  NUMA_NO_NODE,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../page-pool/pool-params.js";
import type { PoolTable } from "../page-pool/pool-table.js";
import { Counters } from "../probe/counters.js";
import type { StageProbe } from "../probe/stages.js";
import type { PageAllocator } from "../provider/page-allocator.js";
import { ERRNO, type MemoryProvider } from "../provider/provider.js";
import type { SkbSlab } from "../skb/skb-slab.js";
import { BufferRing } from "./buffer-ring.js";
import { Gro } from "./gro.js";
import { type DriverProfile, FBNIC_COUNTERS } from "./profile.js";
import { type NetDevice, QueueMgmt } from "./queue-mgmt.js";
import { type NapiPlan, type NetworkLayer, type QueueRings, RxQueue } from "./rx-queue.js";

/** The device number of the model's NIC. */
export const DEVICE = 1;
/** fbnic: a pool's ring holds both descriptor rings, at most this many. */
const MAX_POOL_SIZE = 32768;

/** What the receive queues of a device share. */
export interface NetdevDeps {
  readonly profile: DriverProfile;
  readonly napi: NapiPlan;
  /** Receive queues that the device can have (real_num_rx_queues). */
  readonly rxQueues: number;
  /** ethtool's tcp-data-split: whether the NIC splits headers from payload. */
  readonly tcpDataSplit: boolean;
  /** Descriptors a ring, each a hardware page. */
  readonly ring: number;
  readonly pools: PoolTable;
  readonly arena: Arena;
  readonly slab: SkbSlab;
  readonly ledger: Ledger;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly drops: Counters;
  readonly up: NetworkLayer;
}

/** Where a queue's buffers come from. */
export interface QueueMemory {
  /** Pages for headers, and for payload where there is no provider. */
  readonly pages: PageAllocator;
  readonly provider: MemoryProvider | null;
  /** Bytes of one payload netmem. */
  readonly netmemBytes: number;
}

/** What a restart replaces: rings and pools, one and the same pool where payload is in pages. */
export interface QueueMem extends QueueRings {
  readonly headerPool: PagePool;
  readonly payloadPool: PagePool;
}

/** A queue with the pools behind its rings, as they are now. */
export interface QueueWithPools {
  readonly queue: RxQueue;
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
 * The device's receive side: makes queues with their pools (fbnic_alloc_rx_qt_resources), takes
 * them down, and has fbnic's queue management ops. The header pool is separate only where the
 * payload is unreadable; else header and payload ring are two users of one pool.
 *
 *      down:  open(queue) checks, tries the provider's pools    addQueue(memory)...   up
 *      up:    restart(queue): new pools and rings, stop, start, old pools destroyed or detached
 *      stop()   every queue stopped, its pools destroyed; providers stay     up()   built again
 *      unregister()   down for good, providers uninstalled, pools shown on `lo`
 */
export class Netdev {
  readonly counters = new Counters(FBNIC_COUNTERS);
  readonly queues: QueueWithPools[] = [];
  /** The core's side of the queues: which provider is installed. */
  readonly mgmt: QueueMgmt<QueueMem>;
  /** The interface is up; false again after {@link stop}. */
  running = false;
  /** False once unregister_netdevice_many is past NETREG_REGISTERED. */
  registered = true;
  /** ethtool -G: descriptors a buffer ring, tcp-data-split, hds-thresh; an XDP program. */
  ring: number;
  tcpDataSplit: boolean;
  hdsThresh = 0;
  xdp: "none" | "single-buffer" | "frags" = "none";
  /** ethtool -L: queues below this number are in use. */
  channels: number;
  /** Queue ops that fail next: -ENOMEM for memAlloc, -EIO for start and stop. */
  readonly failing: QueueOpFailures = { memAlloc: 0, start: 0, stop: 0 };
  #closed = false;
  readonly #deps: NetdevDeps;
  readonly #memory: QueueMemory[] = [];

  constructor(deps: NetdevDeps) {
    this.#deps = deps;
    this.ring = deps.ring;
    this.tcpDataSplit = deps.tcpDataSplit;
    this.channels = deps.rxQueues;
    const device = coreView(this, deps.rxQueues, deps.pools.deps.regress ?? "");
    const ops = {
      memAlloc: (queue: number) => this.#tryAlloc(queue),
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
    const memory = { pages: known.pages, provider, netmemBytes };
    const shared = provider === null;
    const payloadPool = this.#pool(index, memory, !shared);
    if (typeof payloadPool === "number") return payloadPool;
    if (shared) payloadPool.userCnt++;
    const headerPool = shared ? payloadPool : this.#pool(index, memory, false);
    if (typeof headerPool === "number") {
      this.#deps.pools.destroy(payloadPool);
      return headerPool;
    }
    const headers = this.#ring(shared ? netmemBytes : PAGE_SIZE, headerPool);
    const payloads = this.#ring(netmemBytes, payloadPool);
    return { headers, payloads, headerPool, payloadPool };
  }

  /** ndo_queue_mem_free: destroys the pools; one with netmems out lives on detached. */
  #memFree(mem: QueueMem): void {
    if (mem === NO_MEM) return;
    this.#deps.pools.destroy(mem.payloadPool);
    this.#deps.pools.destroy(mem.headerPool);
  }

  /** ndo_queue_start. */
  #start(mem: QueueMem, index: number): number {
    const { headerPool, payloadPool } = mem;
    const made = this.queues[index];
    if (made === undefined) {
      this.queues.push({ queue: this.#queue(index, mem), headerPool, payloadPool, live: true });
    } else Object.assign(made, { headerPool, payloadPool, live: true });
    this.queues[index]!.queue.start(mem);
    return 0;
  }

  /** ndo_queue_stop: what was in use, its rings empty; the queue is off until it is started. */
  #halt(index: number): QueueMem {
    const made = this.queues[index]!;
    if (!made.live) return NO_MEM;
    const { queue, headerPool, payloadPool } = made;
    made.live = false;
    // A driver that gives a posted buffer up twice (row F29).
    const { payloads } = queue;
    if (this.#deps.pools.deps.regress === "F29" && payloads.posted > payloads.cleaned) {
      payloadPool.putNetmem(payloads.slots[payloads.cleaned & payloads.mask]!);
    }
    queue.stop();
    queue.silence(Number.POSITIVE_INFINITY);
    return { headers: queue.headers, payloads: queue.payloads, headerPool, payloadPool };
  }

  #pool(index: number, memory: QueueMemory, unreadable: boolean): PagePool | number {
    const pages = unreadable || memory.provider === null;
    const bytes = pages ? memory.netmemBytes : PAGE_SIZE;
    return createPool(
      this.#deps.pools,
      {
        // devmem knows order 0 only, whatever the size of its niovs.
        order: unreadable && memory.provider?.name === "devmem" ? 0 : Math.log2(bytes / PAGE_SIZE),
        poolSize: Math.min(2 * this.ring, MAX_POOL_SIZE),
        nid: NUMA_NO_NODE,
        device: DEVICE,
        napi: index,
        dmaDir: unreadable ? DMA_FROM_DEVICE : DMA_BIDIRECTIONAL,
        maxLen: bytes,
        offset: 0,
        queue: index,
        flags:
          PP_FLAG_DMA_MAP |
          PP_FLAG_DMA_SYNC_DEV |
          (unreadable ? PP_FLAG_ALLOW_UNREADABLE_NETMEM : 0),
      },
      { pages: memory.pages, provider: memory.provider },
    );
  }

  #queue(index: number, rings: QueueRings): RxQueue {
    const deps = this.#deps;
    return new RxQueue({
      ...deps,
      index,
      completions: deps.ring * deps.profile.completionsPerDescriptor,
      rings,
      gro: new Gro(deps),
      counters: this.counters,
    });
  }

  /** A descriptor is one hardware page; a larger netmem takes several descriptors of the ring. */
  #ring(netmemBytes: number, pool: PagePool): BufferRing {
    const { profile, ledger, pools } = this.#deps;
    const { table } = pools.deps;
    const perNetmem = netmemBytes / profile.hardwarePageBytes;
    return new BufferRing({
      netmems: Math.max(2, this.ring / perNetmem),
      netmemBytes,
      hwPageBytes: profile.hardwarePageBytes,
      bias: Math.max(profile.biasMin, netmemBytes / 64),
      pool,
      ledger,
      table,
    });
  }
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
