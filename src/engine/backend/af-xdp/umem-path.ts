import { COST_TABLES, type Costs } from "../../clock/costs.js";
import { VirtualClock } from "../../clock/virtual-clock.js";
import { Gro } from "../../driver/gro.js";
import { DEFRAG_SCRATCH_BYTES, Defrag } from "../../ip/defrag.js";
import { IpInput } from "../../ip/ip-input.js";
import { check } from "../../ledger/invariant.js";
import { Ledger } from "../../ledger/ledger.js";
import type { Arena } from "../../memory/arena.js";
import { foreignArena } from "../../memory/foreign-arena.js";
import { CpuContext } from "../../netmem/netmem-return.js";
import { KIND_UMEM, NetmemTable, PAGE_SIZE } from "../../netmem/netmem-table.js";
import {
  APP_UREF,
  DRV_RING,
  POOL_CACHE,
  POOL_RING,
  PROV_FREE,
  SKB,
  STATES,
} from "../../netmem/state.js";
import { createPool } from "../../page-pool/create-pool.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import {
  DMA_BIDIRECTIONAL,
  NUMA_NO_NODE,
  PP_FLAG_ALLOW_UNREADABLE_NETMEM,
  PP_FLAG_DMA_MAP,
  PP_FLAG_DMA_SYNC_DEV,
} from "../../page-pool/pool-params.js";
import { PoolTable } from "../../page-pool/pool-table.js";
import { Counters } from "../../probe/counters.js";
import { DROP_REASONS } from "../../probe/drop-reasons.js";
import type { ReceiveOptions } from "../../receive-options.js";
import { SkbSlab } from "../../skb/skb-slab.js";
import { TcpStack } from "../../tcp/tcp-stack.js";
import type { StreamSink } from "../backend.js";
import { Mapping } from "../ffi/memory.js";
import { InPlaceReader } from "./in-place-reader.js";
import { RepeatedStages } from "./repeats.js";
import type { SharedRing } from "./rings.js";
import { UmemProvider } from "./umem-provider.js";
import { XskQueue } from "./xsk-queue.js";

/** Bytes of a chunk: the largest that the kernel takes without huge pages. */
export const CHUNK_BYTES = PAGE_SIZE;
/** skbs beside one a chunk: the parts of superpackets. */
const SPARE_SKBS = 1024;
/** The real clock says what work costs. */
const NO_COSTS: Costs = { ...COST_TABLES.free!, wirePsPerByte: 0 };

/** Who has how many chunks of a UMEM. */
export interface UmemOwners {
  readonly total: number;
  /** On the fill ring, with the kernel, or on the RX ring. */
  readonly driver: number;
  readonly stack: number;
  readonly app: number;
  readonly pool: number;
  readonly free: number;
}

/**
 * The engine's receive path on memory that a kernel writes into: page pool, provider, TCP and
 * application of the model, on the kernel's clock, and no byte moved.
 *
 *      one mapping   [ capture window ........ ][ UMEM: chunk | chunk | ... ][ scratch ]
 *                      injected from here         netmems of the page pool    IP reassembly
 */
export class UmemPath {
  readonly memory: Mapping;
  readonly arena: Arena;
  readonly umemAt: number;
  readonly umemBytes: number;
  readonly clock = new VirtualClock();
  readonly stages = new RepeatedStages();
  readonly drops = new Counters(DROP_REASONS);
  readonly table: NetmemTable;
  readonly ledger: Ledger;
  readonly pools: PoolTable;
  readonly provider: UmemProvider;
  readonly pool: PagePool;
  readonly slab: SkbSlab;
  readonly tcp: TcpStack;
  readonly defrag: Defrag;
  readonly reader: InPlaceReader;
  readonly #cpu = new CpuContext();
  readonly #up: IpInput;
  readonly #verify: boolean;

  constructor(
    options: ReceiveOptions,
    windowBytes: number,
    ringEntries: number,
    sink: StreamSink | null,
  ) {
    const chunks = Math.floor(options.areaBytes / CHUNK_BYTES);
    this.umemAt = Math.ceil(windowBytes / PAGE_SIZE) * PAGE_SIZE;
    this.umemBytes = chunks * CHUNK_BYTES;
    const scratch = this.umemAt + this.umemBytes;
    this.memory = new Mapping({ bytes: scratch + DEFRAG_SCRATCH_BYTES + PAGE_SIZE });
    this.arena = foreignArena(this.memory.bytes);
    const { arena, clock, stages, drops } = this;
    const cpu = this.#cpu;
    this.table = new NetmemTable({
      areaStart: this.umemAt,
      areaBytes: this.umemBytes,
      netmemBytes: CHUNK_BYTES,
      areaKind: KIND_UMEM,
      pagesStart: scratch,
      pages: 0,
    });
    const { table } = this;
    this.ledger = new Ledger(table, clock, options.leaks, false);
    const { ledger } = this;
    this.pools = new PoolTable({ table, ledger, clock, cpu, stages, costs: NO_COSTS });
    this.provider = new UmemProvider(table);
    this.pool = umemPool(this.pools, this.provider, ringEntries);
    const size = { skbs: chunks + SPARE_SKBS, frags: chunks + SPARE_SKBS };
    this.slab = new SkbSlab(size, { ledger, back: this.pools, clock });
    const { slab, pools } = this;
    const { readSizeBytes, readDelayNs, holdNs, batch, verifyChecksums } = options;
    const plan = { readSizeBytes, readDelayNs, holdNs, batch };
    const { bytes } = arena;
    this.reader = new InPlaceReader(plan, { slab, ledger, pools, clock, stages, bytes, sink });
    const { kernel: profile, rcvbuf, seed } = options;
    const tcpDeps = { slab, arena, clock, cpu, costs: NO_COSTS, stages, profile, seed };
    this.tcp = new TcpStack({ ...tcpDeps, drops: drops, events: this.reader, rcvbuf });
    this.reader.tcp = this.tcp;
    this.defrag = new Defrag({ slab, arena, clock, drops, scratch, verifyChecksums });
    this.#up = new IpInput({ slab, arena, drops, tcp: this.tcp, defrag: this.defrag });
    this.#verify = verifyChecksums;
  }

  /** The driver over a socket's rings; for `synchronous` see XdpWire. */
  queueOn(fill: SharedRing, rx: SharedRing, synchronous: boolean): XskQueue {
    const { slab, arena, clock, pool, table, ledger, stages, umemAt } = this;
    const gro = new Gro({ slab, arena, clock, up: this.#up });
    const shared = { pool, table, ledger, stages, slab, arena, clock, umemAt, gro };
    return new XskQueue({
      ...shared,
      fill,
      rx,
      up: this.#up,
      cpu: this.#cpu,
      verifyChecksums: this.#verify,
      synchronous,
    });
  }

  /**
   * Who has the chunks now, by the ledger.
   *
   * @throws InvariantViolation where they do not add up to all of them.
   */
  owners(): UmemOwners {
    const sums = new Int32Array(STATES);
    const { counts } = this.ledger;
    for (let i = 0; i < counts.length; i++) if ((i & 15) < STATES) sums[i & 15]! += counts[i]!;
    const owners = {
      total: this.table.areaNetmems,
      driver: sums[DRV_RING]!,
      stack: sums[SKB]!,
      app: sums[APP_UREF]!,
      pool: sums[POOL_CACHE]! + sums[POOL_RING]!,
      free: sums[PROV_FREE]!,
    };
    const { total, driver, stack, app, pool, free } = owners;
    check(driver + stack + app + pool + free === total, 1, "chunks of the UMEM went missing");
    return owners;
  }
}

function umemPool(pools: PoolTable, provider: UmemProvider, poolSize: number): PagePool {
  const flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV | PP_FLAG_ALLOW_UNREADABLE_NETMEM;
  const made = createPool(
    pools,
    {
      order: 0,
      poolSize,
      nid: NUMA_NO_NODE,
      device: 1,
      napi: 0,
      dmaDir: DMA_BIDIRECTIONAL,
      maxLen: CHUNK_BYTES,
      offset: 0,
      queue: 0,
      flags,
    },
    { pages: null, provider },
  );
  if (typeof made === "number") throw new Error(`the UMEM's page pool: errno ${-made}`);
  return made;
}
