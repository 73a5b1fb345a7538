import type { KernelProfile } from "../kernel/profile.js";
import { check } from "../ledger/invariant.js";
import { type NetmemTable, type NetmemVisit, NM_PP_REF, NM_WORDS } from "../netmem/netmem-table.js";
import { D1, D6 } from "../netmem/state.js";
import { Genpool } from "./genpool.js";
import type { PoolFace } from "./pool-face.js";
import { ERRNO, type MemoryProvider, type NetlinkAttributes } from "./provider.js";

/** A bind-rx request (net_devmem_bind_dmabuf). */
export interface DevmemBindPlan {
  /** The queues, each with the number of its DMA device, -1 where it has none. */
  readonly queues: ReadonlyArray<{ readonly queue: number; readonly dmaDevice: number }>;
  /** Lengths of the dma-buf's scatter list entries, in order. */
  readonly sgBytes: readonly number[];
  /** First netmem of the table that the binding's niovs take. */
  readonly first: number;
  /** enum dma_data_direction of the mapping; DMA_FROM_DEVICE (bind-rx) where it is absent. */
  readonly direction?: number;
  /** Runs while the attachment is mapped, which may sleep: what others do meanwhile. */
  readonly meanwhile?: () => void;
}

/** DMA_FROM_DEVICE. */
const FROM_DEVICE = 2;

/** What a binding takes from the kernel around it; all of today's rules where nothing is given. */
export interface DevmemKernel {
  readonly profile: Pick<KernelProfile, "devmemBindingRef" | "providerScrub" | "regress">;
  /** schedule_work: runs `work` a little later, outside the present call. */
  readonly schedule: (work: () => void) => void;
  /** A binding was freed. */
  readonly onFree: (binding: DevmemBinding) => void;
}

/** One entry of the scatter list: its place in the dma-buf, and its niovs. */
interface Chunk {
  readonly baseVirtual: number;
  readonly first: number;
  readonly niovs: number;
}

/**
 * devmem's binding of one dma-buf to receive queues (net/core/devmem.c), and the provider of the
 * pools of these queues.
 *
 *      dma-buf   [ sg 0 ..........tail][ sg 1 .... ]         a tail below one niov is lost
 *      niovs      0  1  2  3            4  5  6
 *      genpool    first fit by address; D1 takes one niov a call, D6 gives it back
 *
 * References: one for the binding itself (gone with unbind), one a pool. At zero it is freed, since
 * 7.0 from a work item: the genpool's size must equal what is available in it, then the dma-buf is
 * unmapped, detached and put. Three events lead there in any of three orders (net_devmem_unbind,
 * page_pool_destroy, uninstall): S-P-U, P-S-U, P-U-S.
 */
export class DevmemBinding implements MemoryProvider {
  readonly name = "devmem";
  /** Binding id, 0 until it is published and after unbind. */
  id = 0;
  refs = 1;
  freed = false;
  /** The dma-buf is mapped for the device; until the binding is freed, whatever befalls it. */
  mapped = true;
  /** netdev unregister took the last queue (binding->dev is NULL): nothing of it may be touched. */
  deviceGone = false;
  /** Queues that it is installed on. */
  readonly queues = new Set<number>();
  readonly netmemCount: number;
  /** Niovs that release refused because references were left; they never come back. */
  outsideCount = 0;
  readonly warnings: string[] = [];
  /** Direction in which it was mapped. */
  readonly direction: number;
  readonly #regress: string;
  readonly #first: number;
  readonly #genpool: Genpool;
  readonly #chunks: Chunk[] = [];
  readonly #table: NetmemTable;
  readonly #kernel: DevmemKernel | null;

  constructor(table: NetmemTable, plan: DevmemBindPlan, kernel: DevmemKernel | null = null) {
    const { netmemBytes } = table.geometry;
    this.#table = table;
    this.#kernel = kernel;
    this.#regress = kernel?.profile.regress ?? "";
    this.direction = plan.direction ?? FROM_DEVICE;
    this.#first = plan.first;
    let baseVirtual = 0;
    let niovs = 0;
    for (const bytes of plan.sgBytes) {
      const fit = Math.floor(bytes / netmemBytes);
      this.#chunks.push({ baseVirtual, first: plan.first + niovs, niovs: fit });
      baseVirtual += bytes;
      niovs += fit;
    }
    check(plan.first + niovs <= table.areaNetmems, "devmem", "the dma-buf exceeds the area");
    this.netmemCount = niovs;
    this.#genpool = new Genpool(niovs);
  }

  /** mp_dmabuf_devmem_init. -EINVAL without a binding, -E2BIG for a higher order. */
  init(pool: PoolFace): number {
    if (this.freed || this.refs === 0) return -ERRNO.EINVAL;
    pool.dmaSync = false;
    pool.dmaSyncForCpu = false;
    if (pool.order !== 0) return -ERRNO.E2BIG;
    this.refs++;
    return 0;
  }

  /** mp_dmabuf_devmem_destroy. */
  destroy(): void {
    if (this.#regress === "F13" && this.freeCount !== this.netmemCount) {
      this.warnings.push("devmem: niovs are still out at the end of a pool");
    }
    this.put();
  }

  /** mp_dmabuf_devmem_alloc_netmems: one niov (D1), or -1. */
  allocNetmems(pool: PoolFace): number {
    const granule = this.#genpool.alloc();
    if (granule < 0) return -1;
    pool.hold(this.#first + granule, D1);
    return this.#first + granule;
  }

  /**
   * mp_dmabuf_devmem_release_page (D6). A niov with references left is not freed: it warns, and the
   * niov is lost to the binding.
   */
  releaseNetmem(pool: PoolFace, netmem: number): boolean {
    if (this.#table.words[netmem * NM_WORDS + NM_PP_REF] !== 1) {
      this.warnings.push(`devmem: release of netmem ${netmem} with references left`);
      this.outsideCount++;
      pool.abandon(netmem, D6);
      return false;
    }
    if (!this.#genpool.free(netmem - this.#first)) {
      pool.fail(netmem, 3, "niov freed twice to the genpool");
    }
    pool.forget(netmem, D6);
    return false;
  }

  nlFill(answer: NetlinkAttributes, _queue: number): number {
    answer.dmabuf = this.id;
    return 0;
  }

  /**
   * mp_dmabuf_devmem_uninstall: forgets the queue, and the device with the last one; mp_params and
   * the mapping of the dma-buf stay. The thread's vintage has no such op.
   */
  uninstall(queue: number): boolean {
    if (this.#kernel?.profile.providerScrub === true) return false;
    // Before 0afc44d8cdf6 the binding kept its queues, and unbind went to the device that was gone.
    if (this.#regress !== "F15") this.queues.delete(queue);
    if (this.queues.size === 0) this.deviceGone = true;
    return false;
  }

  /** gen_pool_avail. */
  get freeCount(): number {
    return this.#genpool.avail;
  }

  walkFree(visit: NetmemVisit): void {
    const free = new Int32Array(this.freeCount);
    visit(free, this.#genpool.listFree(free), this.#first);
  }

  /** frag_offset of byte `offset` of a netmem: its place in the dma-buf, as a cmsg says it. */
  fragOffset(netmem: number, offset: number): number {
    const chunk = this.#chunks.find((c) => netmem >= c.first && netmem < c.first + c.niovs)!;
    const { netmemBytes } = this.#table.geometry;
    return chunk.baseVirtual + (netmem - chunk.first) * netmemBytes + offset;
  }

  /** Whether a netmem is one of this binding's niovs. */
  owns(netmem: number): boolean {
    return netmem >= this.#first && netmem < this.#first + this.netmemCount;
  }

  /** net_devmem_dmabuf_binding_put; the last one frees (__net_devmem_dmabuf_binding_free). */
  put(): void {
    check(this.refs > 0, 25, "devmem binding put too often");
    if (--this.refs > 0) return;
    const kernel = this.#kernel;
    if (kernel?.profile.devmemBindingRef === "percpu") kernel.schedule(() => this.#free());
    else this.#free();
  }

  /** __net_devmem_dmabuf_binding_free. */
  #free(): void {
    this.freed = true;
    // Before 67cb3720fdfa every binding was unmapped as if it had been mapped from the device.
    const direction = this.#regress === "F16" ? FROM_DEVICE : this.direction;
    check(direction === this.direction, "dma", "a dma-buf was unmapped in another direction");
    this.mapped = false;
    if (this.#genpool.size !== this.#genpool.avail) {
      this.warnings.push(`devmem: genpool leaked, ${this.#genpool.avail} of ${this.netmemCount}`);
    }
    this.#kernel?.onFree(this);
  }
}

/**
 * The bindings of a network namespace by id (net_devmem_dmabuf_bindings): an xarray with cyclic ids
 * from 1, in which a binding appears only when it is complete.
 */
export class DevmemRegistry {
  readonly #table: NetmemTable;
  readonly #kernel: DevmemKernel | null;
  readonly #bindings = new Map<number, DevmemBinding>();
  #nextId = 1;

  constructor(table: NetmemTable, kernel: DevmemKernel | null = null) {
    this.#table = table;
    this.#kernel = kernel;
  }

  /**
   * netdev_nl_bind_rx: builds the binding, publishes its id, then installs it on each queue through
   * `open` (netif_mp_open_rxq, 0 or a negative errno); a failure unbinds what was done.
   *
   * -EINVAL: no queue; -EOPNOTSUPP: no DMA device, or not the same for all queues.
   */
  bind(
    plan: DevmemBindPlan,
    open: (queue: number, binding: DevmemBinding) => number,
    close: (queue: number, binding: DevmemBinding) => void,
  ): DevmemBinding | number {
    if (plan.queues.length === 0) return -ERRNO.EINVAL;
    const device = plan.queues[0]!.dmaDevice;
    const regress = this.#kernel?.profile.regress ?? "";
    const several = plan.queues.some((q) => q.dmaDevice !== device);
    // Once only the first queue's device was looked at (row F36).
    if (device < 0 || (several && regress !== "F36")) return -ERRNO.EOPNOTSUPP;
    // Once the id was published before the binding was mapped (row F26).
    if (regress !== "F26") plan.meanwhile?.();
    const binding = new DevmemBinding(this.#table, plan, this.#kernel);
    binding.id = this.#nextId++;
    this.#bindings.set(binding.id, binding);
    if (regress === "F26") plan.meanwhile?.();
    for (const { queue } of plan.queues) {
      const failed = open(queue, binding);
      if (failed !== 0) {
        this.unbind(binding, close);
        return failed;
      }
      binding.queues.add(queue);
    }
    return binding;
  }

  /**
   * netdev_nl_bind_rx_doit: binds, then sends `reply`, which takes the message over whether it can
   * be sent or not (0 or a negative errno). An error then leaves the binding as it is: it goes with
   * its socket. Once it was undone, and the message freed again (row F27).
   */
  bindRx(
    plan: DevmemBindPlan,
    open: (queue: number, binding: DevmemBinding) => number,
    close: (queue: number, binding: DevmemBinding) => void,
    message: { send(): number; free(): void },
  ): { readonly binding: DevmemBinding | null; readonly errno: number } {
    const binding = this.bind(plan, open, close);
    if (typeof binding === "number") {
      message.free();
      return { binding: null, errno: binding };
    }
    const errno = message.send();
    if (errno !== 0 && this.#kernel?.profile.regress === "F27") {
      this.unbind(binding, close);
      message.free();
      return { binding: null, errno };
    }
    return { binding, errno };
  }

  /** The binding with an id, or null (net_devmem_lookup_dmabuf). */
  lookup(id: number): DevmemBinding | null {
    return this.#bindings.get(id) ?? null;
  }

  /**
   * net_devmem_unbind_dmabuf: the id goes first, then each queue's provider is closed (its queue
   * restarts) unless the device went before it, then the binding's own reference goes. Pools in
   * flight keep the memory.
   */
  unbind(binding: DevmemBinding, close: (queue: number, binding: DevmemBinding) => void): void {
    check(this.#bindings.delete(binding.id), "devmem", "unbind of a binding that is not bound");
    binding.id = 0;
    for (const queue of [...binding.queues].sort((a, b) => a - b)) {
      binding.queues.delete(queue);
      close(queue, binding);
    }
    binding.put();
  }
}
