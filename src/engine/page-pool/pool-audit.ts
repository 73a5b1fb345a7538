import { check } from "../ledger/invariant.js";
import {
  type NetmemVisit,
  NM_POOL,
  NM_PP_REF,
  NM_STATE,
  NM_WORDS,
} from "../netmem/netmem-table.js";
import { POOL_CACHE, POOL_RING, PROV_FREE, STATE_NAME, STATES } from "../netmem/state.js";
import type { MemoryProvider } from "../provider/provider.js";
import type { PagePool } from "./page-pool.js";
import type { PoolDeps } from "./pool-deps.js";
import { PP_ALLOC_CACHE_SIZE } from "./pool-params.js";

/**
 * The full walk over everything that a receive path holds (invariants 1 to 5, 7, 15, 25):
 *
 *      alloc caches, rings, free lists    distinct netmems, each in the state of its list
 *      ledger counts                      what the states of all netmems add up to
 *      hold_cnt - release_cnt             the netmems that name the pool in desc.pp
 *      free + inflight + fallback         all netmems of a provider
 *
 * @throws InvariantViolation naming the first that does not hold.
 */
export function auditPools(deps: PoolDeps, pools: readonly PagePool[]): void {
  const lists = new Lists(deps);
  const providers = new Set<MemoryProvider>();
  const allocators = new Set<{ walkFree(visit: NetmemVisit): void }>();
  for (const pool of pools) {
    check(pool.inflight >= 0, 2, "negative inflight");
    check(pool.cacheCount <= PP_ALLOC_CACHE_SIZE, 15, "alloc cache too full");
    check(pool.ring.count <= pool.ring.size, 15, "ptr_ring too full");
    pool.walkCache((cache, count) => lists.take(cache, count, 0, POOL_CACHE, pool.number));
    const ring: number[] = [];
    pool.ring.walk((n) => ring.push(n));
    lists.take(Int32Array.from(ring), ring.length, 0, POOL_RING, pool.number);
    if (pool.provider !== null) providers.add(pool.provider);
    if (pool.pages !== null) allocators.add(pool.pages);
  }
  // The memory of a freed provider may be another one's by now; its own counts still tell.
  const present = [...providers].filter((provider) => provider.freed !== true);
  for (const source of [...present, ...allocators]) {
    source.walkFree((free, count, first) => lists.take(free, count, first, PROV_FREE, 0));
  }
  auditCounts(deps, pools, lists.count());
  for (const provider of providers) auditProvider(provider, pools);
}

/**
 * What the lists hold. Most netmems of a run are in one, and those of a short run never left it,
 * so a list is taken in one loop and only the rest of the table is looked at again.
 */
class Lists {
  readonly #deps: PoolDeps;
  /** 1 for each netmem that some list has. */
  readonly #listed: Uint8Array;
  /** Netmems by pool and state, as the ledger counts them. */
  readonly #seen: Int32Array;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#listed = new Uint8Array(deps.table.count);
    this.#seen = new Int32Array(deps.ledger.counts.length);
  }

  /** Entries of a list: each met for the first time, in the list's state, with one reference. */
  take(list: Int32Array, count: number, first: number, state: number, pool: number): void {
    const { words } = this.#deps.table;
    const listed = this.#listed;
    for (let i = 0; i < count; i++) {
      const n = first + list[i]!;
      const at = n * NM_WORDS;
      const right = words[at + NM_STATE] === state && words[at + NM_POOL] === pool;
      if (!right || listed[n] === 1 || (pool > 0 && words[at + NM_PP_REF] !== 1)) {
        this.#fail(n, state, pool);
      }
      listed[n] = 1;
    }
    this.#seen[pool * 16 + state]! += count;
  }

  /** Counts what no list has, by the netmems' own words; all netmems by pool and state. */
  count(): Int32Array {
    const { words, count } = this.#deps.table;
    const listed = this.#listed;
    for (let n = listed.indexOf(0); n >= 0; n = listed.indexOf(0, n)) {
      for (; n < count && listed[n] === 0; n++) {
        this.#seen[words[n * NM_WORDS + NM_POOL]! * 16 + words[n * NM_WORDS + NM_STATE]!]!++;
      }
    }
    return this.#seen;
  }

  #fail(n: number, state: number, pool: number): never {
    const { ledger, table } = this.#deps;
    if (this.#listed[n] === 1) ledger.fail(n, 5, "netmem in two lists at once");
    if (table.words[n * NM_WORDS + NM_STATE] !== state) {
      ledger.fail(n, 5, `netmem in the list of ${STATE_NAME[state]}`);
    }
    if (table.words[n * NM_WORDS + NM_POOL] !== pool) {
      ledger.fail(n, 1, `netmem in a list of pool ${pool}`);
    }
    return ledger.fail(n, 7, "references in a pool");
  }
}

/** Ledger counts against the table, inflight against desc.pp, lists against states. */
function auditCounts(deps: PoolDeps, pools: readonly PagePool[], seen: Int32Array): void {
  for (let i = 0; i < seen.length; i++) {
    check(seen[i] === deps.ledger.counts[i], 1, `ledger count of pool ${i >> 4}, state ${i & 15}`);
  }
  for (const pool of pools) {
    let held = 0;
    for (let state = 0; state < STATES; state++) held += seen[pool.number * 16 + state]!;
    check(held === pool.inflight, 1, `hold - release of pool ${pool.number} against its netmems`);
    check(seen[pool.number * 16 + POOL_CACHE] === pool.cacheCount, 5, "netmems of an alloc cache");
    check(seen[pool.number * 16 + POOL_RING] === pool.ring.count, 5, "netmems of a ptr_ring");
    check(!pool.freed || pool.inflight === 0, 25, "a pool was freed with netmems in flight");
  }
}

/** Conservation of a provider's netmems over all its pools (invariants 3 and 4). */
function auditProvider(provider: MemoryProvider, pools: readonly PagePool[]): void {
  let inflight = 0;
  for (const pool of pools) if (pool.provider === provider) inflight += pool.inflight;
  const { freeCount, outsideCount } = provider;
  const sum = `${freeCount} free + ${inflight} in pools + ${outsideCount} outside`;
  const found = freeCount + inflight + outsideCount;
  check(found === provider.netmemCount, 4, `${provider.name}: ${sum} of ${provider.netmemCount}`);
}
