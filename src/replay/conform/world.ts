import { DEFAULT_COSTS } from "../../engine/clock/costs.js";
import { VirtualClock } from "../../engine/clock/virtual-clock.js";
import { Ledger } from "../../engine/ledger/ledger.js";
import { CpuContext } from "../../engine/netmem/netmem-return.js";
import {
  KIND_PAGE,
  NetmemTable,
  NM_POOL,
  NM_WORDS,
  PAGE_SIZE,
} from "../../engine/netmem/netmem-table.js";
import { createPool } from "../../engine/page-pool/create-pool.js";
import type { PagePool } from "../../engine/page-pool/page-pool.js";
import {
  DMA_FROM_DEVICE,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../../engine/page-pool/pool-params.js";
import { PoolTable } from "../../engine/page-pool/pool-table.js";
import { StageProbe } from "../../engine/probe/stages.js";
import { PluginFault, PluginProvider, type ProviderModule } from "../../engine/provider/plugin.js";

/** What can be done to a world. */
export type OpName =
  | "pool"
  | "alloc"
  | "exhaust"
  | "drop"
  | "deliver"
  | "share"
  | "put"
  | "putNapi"
  | "putAll"
  | "destroy"
  | "retry"
  | "uninstall";
/** An operation, and which of the things it could be done to: taken modulo their number. */
export type Op = readonly [name: OpName, pick: number];

/** Size of a world. */
export interface WorldSize {
  readonly netmems: number;
  readonly netmemBytes: number;
  /** Entries of each pool's ring: a small one gives netmems up often. */
  readonly ring: number;
}

const DEVICE = 1;
/** No latencies are measured here. */
const SILENT = new StageProbe();
SILENT.on = false;
/** Pools alive at once: a restart has two. */
const MAX_POOLS = 3;

/**
 * A plug-in with everything around it that the kernel would have: ledger, page pools, a driver, a
 * stack and a reader, all real, but for packets. Each operation is legal where it is done; after
 * each, everything is audited.
 *
 *      plug-in <-> pools -- alloc --> driver -- deliver --> stack -- put --> pools
 */
export class World {
  /** What was done, in words. */
  readonly story: string[] = [];
  /** Operations that did something. */
  operations = 0;
  readonly #clock = new VirtualClock();
  readonly #cpu = new CpuContext();
  readonly #table: NetmemTable;
  readonly #ledger: Ledger;
  readonly #pools: PoolTable;
  readonly #provider: PluginProvider;
  readonly #size: WorldSize;
  readonly #live: PagePool[] = [];
  readonly #driver: Array<{ readonly pool: PagePool; readonly netmem: number }> = [];
  readonly #stack: number[] = [];
  #uninstalled = false;
  readonly #ops: Readonly<Record<OpName, (pick: number) => void>> = {
    pool: () => this.#makePool(),
    alloc: (pick) => this.#alloc(pick, 1),
    exhaust: (pick) => this.#alloc(pick, this.#size.netmems + 1),
    drop: (pick) => this.#drop(pick),
    deliver: (pick) => this.#deliver(pick),
    share: (pick) => this.#share(pick),
    put: (pick) => this.#put(pick, -1),
    putNapi: (pick) => this.#put(pick, 0),
    putAll: () => this.#putAll(),
    destroy: (pick) => this.#destroy(pick),
    retry: () => this.#retry(),
    uninstall: () => this.#uninstall(),
  };

  constructor(module: ProviderModule, size: WorldSize, onCall: (op: string) => void = () => {}) {
    this.#size = size;
    const areaBytes = size.netmems * size.netmemBytes;
    this.#table = new NetmemTable({
      areaStart: 65536,
      areaBytes,
      netmemBytes: size.netmemBytes,
      areaKind: KIND_PAGE,
      pagesStart: 65536 + areaBytes,
      pages: 0,
    });
    this.#ledger = new Ledger(this.#table, this.#clock, "count", false);
    this.#pools = new PoolTable({
      table: this.#table,
      ledger: this.#ledger,
      clock: this.#clock,
      cpu: this.#cpu,
      stages: SILENT,
      costs: DEFAULT_COSTS,
    });
    const area = { ...size, areaBytes, pageBytes: PAGE_SIZE };
    this.#provider = new PluginProvider(module, this.#table, 0, area);
    this.#provider.onCall = onCall;
    this.#expectAllFree("before the first pool");
  }

  /** Does one operation, or nothing where there is nothing to do it to; audits. */
  apply([name, pick]: Op): void {
    const before = this.story.length;
    this.#ops[name](pick);
    if (this.story.length === before) return;
    this.operations++;
    this.#pools.audit();
  }

  /**
   * Ends everything in a legal order and looks at what is left: every pool freed, every netmem
   * home; then, if the device is still there, a new pool must get them all.
   */
  finish(): void {
    this.apply(["putAll", 0]);
    while (this.#live.length > 0) this.apply(["destroy", 0]);
    this.apply(["retry", 0]);
    const zombies = this.#pools.zombies.length;
    if (zombies > 0) {
      throw new PluginFault("teardown", `${zombies} pools are not freed with nothing in flight`);
    }
    this.#expectAllFree("when every pool has ended");
    if (this.#uninstalled) return;
    this.apply(["pool", 0]);
    this.apply(["exhaust", 0]);
    const got = this.#driver.length;
    if (got !== this.#size.netmems) {
      const of = this.#size.netmems;
      throw new PluginFault("returns", `a new pool gets ${got} of the ${of} netmems that are home`);
    }
  }

  #makePool(): void {
    if (this.#live.length === MAX_POOLS || this.#uninstalled) return;
    const { netmemBytes, ring } = this.#size;
    const pool = createPool(
      this.#pools,
      {
        order: Math.log2(netmemBytes / PAGE_SIZE),
        poolSize: ring,
        nid: -1,
        device: DEVICE,
        napi: 0,
        dmaDir: DMA_FROM_DEVICE,
        maxLen: netmemBytes,
        offset: 0,
        queue: 0,
        flags: PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV | PP_FLAG_ALLOW_UNREADABLE_NETMEM,
      },
      { pages: null, provider: this.#provider },
    );
    if (typeof pool === "number") {
      throw new PluginFault("init", `init refused a pool that fits with errno ${-pool}`);
    }
    this.#live.push(pool);
    this.story.push(`pool ${pool.number} is made`);
  }

  #alloc(pick: number, most: number): void {
    const pool = this.#live[pick % this.#live.length];
    if (pool === undefined) return;
    let got = 0;
    let last = -1;
    const what = most === 1 ? "allocates" : "allocates until refused";
    this.story.push(`pool ${pool.number} ${what}`);
    this.#cpu.napiQueue = 0;
    for (; got < most; got++) {
      last = pool.alloc();
      if (last < 0) break;
      this.#driver.push({ pool, netmem: last });
    }
    this.#cpu.napiQueue = -1;
    const result = last < 0 ? `${got} netmems, then -1` : `netmem ${last}`;
    this.story[this.story.length - 1] += `: ${most === 1 && last < 0 ? "-1" : result}`;
    const free = this.#provider.freeCount;
    if (last < 0 && free > 0) {
      throw new PluginFault("serves", `allocNetmems answered -1 with ${free} netmems free`);
    }
  }

  #drop(pick: number): void {
    if (this.#driver.length === 0) return;
    const { pool, netmem } = this.#driver.splice(pick % this.#driver.length, 1)[0]!;
    this.#cpu.napiQueue = 0;
    pool.recycleDirect(netmem);
    this.#cpu.napiQueue = -1;
    this.story.push(`the driver drops netmem ${netmem}`);
  }

  #deliver(pick: number): void {
    if (this.#driver.length === 0) return;
    const { netmem } = this.#driver.splice(pick % this.#driver.length, 1)[0]!;
    this.#ledger.driverToSkb(netmem);
    this.#stack.push(netmem);
    this.story.push(`netmem ${netmem} goes up in an skb`);
  }

  #share(pick: number): void {
    if (this.#stack.length === 0) return;
    const netmem = this.#stack[pick % this.#stack.length]!;
    this.#ledger.skbGet(netmem);
    this.#stack.push(netmem);
    this.story.push(`another frag shares netmem ${netmem}`);
  }

  #put(pick: number, napi: number): void {
    if (this.#stack.length === 0) return;
    const netmem = this.#stack.splice(pick % this.#stack.length, 1)[0]!;
    this.#cpu.napiQueue = napi;
    if (this.#ledger.skbPut(netmem)) this.#pools.putUnrefed(netmem);
    this.#cpu.napiQueue = -1;
    this.story.push(`a frag of netmem ${netmem} is put${napi < 0 ? "" : " in the pool's NAPI"}`);
  }

  #putAll(): void {
    if (this.#stack.length === 0) return;
    this.story.push(`all ${this.#stack.length} frags are put`);
    while (this.#stack.length > 0) {
      if (this.#ledger.skbPut(this.#stack[0]!)) this.#pools.putUnrefed(this.#stack[0]!);
      this.#stack.shift();
    }
  }

  /** ndo_queue_stop gives the driver's netmems back, then page_pool_destroy. */
  #destroy(pick: number): void {
    const at = pick % this.#live.length;
    const pool = this.#live[at];
    if (pool === undefined) return;
    this.#live.splice(at, 1);
    this.story.push(
      `pool ${pool.number} is destroyed, ${this.#outOf(pool)} of its netmems in skbs`,
    );
    for (let i = this.#driver.length - 1; i >= 0; i--) {
      if (this.#driver[i]!.pool !== pool) continue;
      pool.putNetmem(this.#driver[i]!.netmem);
      this.#driver.splice(i, 1);
    }
    this.#pools.destroy(pool);
  }

  #outOf(pool: PagePool): number {
    return new Set(this.#stack.filter((netmem) => this.#poolOf(netmem) === pool.number)).size;
  }

  #poolOf(netmem: number): number {
    return this.#table.words[netmem * NM_WORDS + NM_POOL]!;
  }

  #retry(): void {
    if (this.#pools.nextRetryNs === Number.POSITIVE_INFINITY) return;
    this.story.push("a second passes, detached pools are tried again");
    this.#clock.nowNs = Math.max(this.#clock.nowNs, this.#pools.nextRetryNs);
    this.#clock.nowNs += 1e9;
    this.#pools.retryRelease();
  }

  /** netdev unregister: every queue stopped, then uninstall. */
  #uninstall(): void {
    if (this.#uninstalled) return;
    while (this.#live.length > 0) this.#destroy(0);
    this.#uninstalled = true;
    this.story.push("the device goes: uninstall");
    this.#pools.unregisterDevice(DEVICE, false);
    this.#provider.uninstall(0);
  }

  #expectAllFree(when: string): void {
    const free = this.#provider.freeCount;
    if (free === this.#size.netmems) return;
    const of = this.#size.netmems;
    throw new PluginFault("conservation", `${free} of ${of} netmems are free ${when}`);
  }
}
