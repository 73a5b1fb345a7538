import type { NetmemTable, NetmemVisit } from "../netmem/netmem-table.js";
import { T1, T9 } from "../netmem/state.js";
import type { PoolFace } from "./pool-face.js";
import { ERRNO, type MemoryProvider, type NetlinkAttributes } from "./provider.js";

/** Version of the contract that plug-in modules name; it changes when a module would have to. */
export const PROVIDER_CONTRACT = 1;
/** Netmems that one call of `allocNetmems` may hand out: the one answered and those placed. */
export const ALLOC_BATCH = 64;

/** What a plug-in manages: netmems 0 to `netmems - 1`, side by side. */
export interface PluginArea {
  readonly netmems: number;
  /** Bytes of one netmem, a power of two. */
  readonly netmemBytes: number;
  readonly areaBytes: number;
  readonly pageBytes: number;
}

/** What a plug-in sees of a page pool. */
export interface PluginPool {
  /** Number of the pool; never used again for another one. */
  readonly number: number;
  /** Allocation order of its netmems: log2 of their pages. */
  readonly order: number;
  readonly device: number;
  readonly queue: number;
  readonly dmaMap: boolean;
  /** The pool maps for the device to write only. */
  readonly fromDevice: boolean;
  /** net_mp_netmem_place_in_cache: one more netmem for the pool, in `allocNetmems` only. */
  place(netmem: number): void;
}

/**
 * A provider as a plug-in writes it: struct memory_provider_ops with the book-keeping left to
 * netmem. Netmems are numbers from 0; answers are whole numbers, never promises.
 */
export interface ProviderPlugin {
  /** A pool of the queue is made: 0, or a negative errno to refuse it. */
  init(pool: PluginPool): number;
  /** The pool's last step, after its inflight hit 0. */
  destroy(pool: PluginPool): void;
  /** Slow path, alloc cache empty: a free netmem, or -1. Up to 63 more by `pool.place`. */
  allocNetmems(pool: PluginPool): number;
  /** The pool gives a netmem up: it is the provider's again. */
  releaseNetmem(pool: PluginPool, netmem: number): void;
  /** The device goes, its pools destroyed but perhaps not freed: forget the queue. */
  uninstall?(queue: number): void;
  /** Every netmem that is free now, each once, in any order (audit). */
  freeNetmems(): Iterable<number>;
}

/** What a module exports. */
export interface ProviderModule {
  /** {@link PROVIDER_CONTRACT}. */
  readonly contract: number;
  /** Letters, digits and dashes; not the name of a provider of netmem's own. */
  readonly name: string;
  /** A provider of its own for each call: nothing may be shared between two of them. */
  create(area: PluginArea): ProviderPlugin;
}

/** What a plug-in did wrong; `clause` names the part of the contract (docs/providers.md). */
export class PluginFault extends Error {
  override readonly name = "PluginFault";
  readonly clause: string;

  constructor(clause: string, message: string) {
    super(message);
    this.clause = clause;
  }
}

/**
 * A plug-in behind the provider contract of the engine. Everything that it answers is looked at
 * before a pool or the ledger sees it.
 *
 *      pool --allocNetmems--> adapter --> plug-in: number? whole? in the area? free until now?
 *                                |  hold, placeInCache
 *      pool --releaseNetmem---> adapter: forget, marked free --> plug-in
 *
 * @throws PluginFault from every op: `answers` if the plug-in threw, else the clause it broke.
 */
export class PluginProvider implements MemoryProvider {
  readonly name: string;
  readonly netmemCount: number;
  readonly outsideCount = 0;
  /** Told before each call into the plug-in, so that a hang has a name. */
  onCall: (op: string) => void = () => {};
  readonly #first: number;
  readonly #out: Uint8Array;
  readonly #plugin: ProviderPlugin;
  readonly #faces = new Map<number, PluginPool>();
  #given = 0;
  #allocating: PoolFace | null = null;

  /** The netmems `first` to `first + area.netmems - 1` of a table become the plug-in's. */
  constructor(module: ProviderModule, table: NetmemTable, first: number, area: PluginArea) {
    if (first + area.netmems > table.count) throw new Error("the plug-in's area exceeds the table");
    this.name = module.name;
    this.netmemCount = area.netmems;
    this.#first = first;
    this.#out = new Uint8Array(area.netmems);
    this.#plugin = this.#call("create", () => module.create(area)) as ProviderPlugin;
    const shape: unknown = this.#plugin;
    if (typeof shape !== "object" || shape === null) {
      throw new PluginFault("module", `create answered ${shown(shape)}, not a provider`);
    }
    for (const op of ["init", "destroy", "allocNetmems", "releaseNetmem", "freeNetmems"] as const) {
      if (typeof this.#plugin[op] === "function") continue;
      throw new PluginFault("module", `the provider has no function ${op}`);
    }
  }

  init(pool: PoolFace): number {
    const answer = this.#call("init", () => this.#plugin.init(this.#face(pool)));
    const known = (Object.values(ERRNO) as number[]).includes(-Number(answer));
    if (answer === 0) return 0;
    if (Number.isInteger(answer) && known) return answer as number;
    throw new PluginFault("init", `init answered ${shown(answer)}, not 0 or a negative errno`);
  }

  destroy(pool: PoolFace): void {
    this.#nothing("destroy", () => this.#plugin.destroy(this.#face(pool)));
    this.#faces.delete(pool.number);
  }

  allocNetmems(pool: PoolFace): number {
    this.#given = 0;
    this.#allocating = pool;
    const answer = this.#call("allocNetmems", () => this.#plugin.allocNetmems(this.#face(pool)));
    this.#allocating = null;
    if (answer !== -1) this.#hand(pool, answer, "answered");
    return pool.takeFromCache();
  }

  releaseNetmem(pool: PoolFace, netmem: number): boolean {
    pool.forget(netmem, T9);
    const own = netmem - this.#first;
    this.#out[own] = 0;
    this.#nothing("releaseNetmem", () => this.#plugin.releaseNetmem(this.#face(pool), own));
    return false;
  }

  nlFill(_answer: NetlinkAttributes, _queue: number): number {
    return 0;
  }

  /** A module holds nothing but its area, so the queue's mp_params go too. */
  uninstall(queue: number): boolean {
    if (this.#plugin.uninstall !== undefined) {
      this.#nothing("uninstall", () => this.#plugin.uninstall!(queue));
    }
    return true;
  }

  get freeCount(): number {
    return this.#freeList().length;
  }

  walkFree(visit: NetmemVisit): void {
    const free = Int32Array.from(this.#freeList());
    visit(free, free.length, this.#first);
  }

  /** The plug-in's free netmems, each looked at as it comes: the list may have no end. */
  #freeList(): number[] {
    const seen = new Uint8Array(this.netmemCount);
    const free: number[] = [];
    this.#call("freeNetmems", () => {
      for (const netmem of this.#plugin.freeNetmems() as Iterable<unknown>) {
        const own = this.#number(netmem, "freeNetmems lists");
        if (this.#out[own] === 1) {
          throw new PluginFault("distinct", `freeNetmems lists ${own}, which a pool holds`);
        }
        if (seen[own] === 1) throw new PluginFault("distinct", `freeNetmems lists ${own} twice`);
        seen[own] = 1;
        free.push(own);
      }
    });
    return free;
  }

  #face(pool: PoolFace): PluginPool {
    let face = this.#faces.get(pool.number);
    if (face === undefined) {
      const { number, order, device, queue, dmaMap, fromDevice } = pool;
      const place = (netmem: number) => {
        if (this.#allocating !== pool) {
          throw new PluginFault("batch", "place was called outside allocNetmems of its pool");
        }
        this.#hand(pool, netmem, "placed");
      };
      face = { number, order, device, queue, dmaMap, fromDevice, place };
      this.#faces.set(number, face);
    }
    return face;
  }

  /** One netmem for a pool: checked, held, put into the alloc cache. */
  #hand(pool: PoolFace, netmem: unknown, how: string): void {
    const own = this.#number(netmem, `allocNetmems ${how}`);
    if (this.#out[own] === 1) {
      throw new PluginFault("distinct", `allocNetmems ${how} ${own}, which a pool holds already`);
    }
    if (++this.#given > ALLOC_BATCH) {
      throw new PluginFault(
        "batch",
        `allocNetmems handed out more than ${ALLOC_BATCH} in one call`,
      );
    }
    this.#out[own] = 1;
    pool.hold(this.#first + own, T1);
    pool.placeInCache(this.#first + own);
  }

  #number(netmem: unknown, what: string): number {
    if (Number.isInteger(netmem) && (netmem as number) >= 0) {
      if ((netmem as number) < this.netmemCount) return netmem as number;
    }
    const range = `0 to ${this.netmemCount - 1}`;
    throw new PluginFault("answers", `${what} ${shown(netmem)}, which is no netmem (${range})`);
  }

  /** Calls an op whose answer means nothing; a promise would mean that it is not done yet. */
  #nothing(op: string, work: () => unknown): void {
    const answer = this.#call(op, work);
    if (answer instanceof Promise) throw new PluginFault("answers", `${op} answered a promise`);
  }

  #call(op: string, work: () => unknown): unknown {
    this.onCall(op);
    try {
      return work();
    } catch (error) {
      if (error instanceof PluginFault) throw error;
      throw new PluginFault("answers", `${op} threw ${shown(error)}`);
    }
  }
}

/** A value in few words, whatever it is. */
function shown(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`.slice(0, 200);
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "object" && value !== null) {
    return value instanceof Promise ? "a promise" : "an object";
  }
  return typeof value === "function" ? "a function" : String(value);
}
