import { PAGE_SIZE } from "../netmem/netmem-table.js";
import type { PagePool } from "../page-pool/page-pool.js";
import { Counters } from "../probe/counters.js";
import type { MemoryProvider } from "../provider/provider.js";
import { FbnicMaker } from "./fbnic-maker.js";
import type { PackedProfile } from "./profile.js";
import type { QueueDeps, QueueMaker, QueueMem, QueueMemory } from "./queue-maker.js";
import { QueueMgmt } from "./queue-mgmt.js";
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
}

/**
 * The device's receive side: makes queues with their pools as its driver does, takes them down,
 * and has the driver's queue management ops.
 *
 *      down:  open(queue) checks, tries the provider's pools    addQueue(memory)...   up
 *      up:    restart(queue): new pools and rings, stop, start, old pools destroyed or detached
 *      stop   down:  close(queue)
 */
export class Netdev {
  readonly counters: Counters;
  readonly queues: QueueWithPools[] = [];
  /** The core's side of the queues: which provider is installed. */
  readonly mgmt: QueueMgmt<QueueMem>;
  /** The interface is up; false again after {@link stop}. */
  running = false;
  /** Every payload pool that a queue had, by queue; detached ones may still own netmems. */
  readonly payloadPools: PagePool[][] = [];
  readonly #deps: NetdevDeps;
  readonly #maker: QueueMaker;
  readonly #memory: QueueMemory[] = [];

  constructor(deps: NetdevDeps) {
    this.#deps = deps;
    this.counters = new Counters(deps.profile.counters);
    this.#maker = makerOf(deps.profile, { ...deps, counters: this.counters });
    const running = () => this.running;
    const device = {
      opsLock: true,
      realNumRxQueues: deps.rxQueues,
      tcpDataSplit: deps.tcpDataSplit,
      hdsThresh: 0,
      xdpAttached: false,
      rxPageSizes: true,
      registered: true,
      get running(): boolean {
        return running();
      },
    };
    const ops = {
      memAlloc: (queue: number) => this.#memAlloc(queue),
      memFree: (mem: QueueMem) => this.#memFree(mem),
      start: (mem: QueueMem, queue: number) => this.#start(mem, queue),
      stop: (queue: number) => this.#halt(queue),
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
    this.#memory[queue] = memory;
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
    this.running = true;
    return this.queues[index]!;
  }

  /** ndo_stop: every queue silent and flushed, then its pools destroyed. */
  stop(): void {
    for (let queue = 0; queue < this.queues.length; queue++) this.#memFree(this.#halt(queue));
    this.running = false;
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
    this.#maker.release(mem);
    this.#deps.pools.destroy(mem.payloadPool);
    this.#deps.pools.destroy(mem.headerPool);
  }

  /**
   * ndo_queue_start: cannot fail. While the hardware sets a queue up again, that one drops what
   * arrives, and the others too where the driver silences what they share.
   */
  #start(mem: QueueMem, index: number): number {
    const { headerPool, payloadPool } = mem;
    const made = this.queues[index];
    if (made === undefined) {
      this.queues.push({ queue: this.#maker.queue(index, mem), headerPool, payloadPool });
    } else {
      Object.assign(made, { headerPool, payloadPool });
      const { restartNs, restartPeers } = this.#deps.profile;
      const silent = restartPeers === "drop" ? this.queues : [made];
      if (restartNs > 0) {
        const untilNs = this.#deps.clock.nowNs + restartNs;
        for (const { queue } of silent) queue.silence(untilNs);
      }
    }
    const pools = this.payloadPools[index] ?? [];
    this.payloadPools[index] = pools;
    if (!pools.includes(payloadPool)) pools.push(payloadPool);
    this.queues[index]!.queue.start(mem);
    return 0;
  }

  /** ndo_queue_stop: cannot fail. What was in use, its rings empty. */
  #halt(index: number): QueueMem {
    const { queue } = this.queues[index]!;
    queue.stop();
    return queue.mem;
  }
}

/** The one place where a profile's name decides. */
function makerOf(profile: PackedProfile | SlotProfile, deps: QueueDeps): QueueMaker {
  if (profile.name === "bnxt") return new BnxtMaker(deps);
  if (profile.name === "gve") return new GveMaker(deps);
  return new FbnicMaker(profile as PackedProfile, deps);
}
