import type { Ledger } from "../ledger/ledger.js";
import { type NetmemTable, NM_POOL, NM_STATE, NM_WORDS } from "../netmem/netmem-table.js";
import { APP_FALLBACK, OWNERS, STATE_OWNER, STATES } from "../netmem/state.js";
import type { PagePool } from "../page-pool/page-pool.js";
import type { Visibility } from "../page-pool/pool-deps.js";

/** Who holds how many netmems, by the record's names of owners. */
export type Holders = Record<(typeof OWNERS)[number], number>;

/** A page pool as it stands. */
export interface PoolView {
  readonly id: number;
  readonly queue: number;
  /** `page`, or the provider's name. */
  readonly provider: string;
  /** `live`; `zombie`: destroyed with netmems in flight; `freed`. */
  readonly state: "live" | "zombie" | "freed";
  readonly visibility: Visibility;
  /** detach-time: seconds since the start of the run, -1 for a pool that was never detached. */
  readonly detachSeconds: number;
  /** Tries of page_pool_release_retry, one a second. */
  readonly tries: number;
  /** Seconds since the detachment at which it was freed, -1 if it was not or never detached. */
  readonly freedAfterSeconds: number;
  readonly inflight: number;
  readonly holders: Holders;
}

/** How a pool stands, and who holds its netmems. */
export function poolView(pool: PagePool, ledger: Ledger): PoolView {
  const { shutdown } = pool;
  const detached = Number.isFinite(shutdown.sinceNs);
  const freed = Number.isFinite(shutdown.freedNs) && detached;
  return {
    id: pool.number,
    queue: pool.queue,
    provider: pool.provider?.name ?? "page",
    state: pool.freed ? "freed" : pool.destroyCnt > 0 ? "zombie" : "live",
    visibility: shutdown.visibility,
    detachSeconds: shutdown.detachSeconds,
    tries: shutdown.tries,
    freedAfterSeconds: freed ? Math.round((shutdown.freedNs - shutdown.sinceNs) / 1e9) : -1,
    inflight: pool.inflight,
    holders: holdersOf(ledger.counts, pool.number),
  };
}

/** Who holds the netmems of pool number `pool`, from the ledger's counts. */
export function holdersOf(counts: Int32Array, pool: number): Holders {
  const holders = nobody();
  for (let state = 0; state < STATES; state++) {
    const owner = STATE_OWNER[state] as keyof Holders | "";
    if (owner !== "") holders[owner] += counts[pool * 16 + state]!;
  }
  return holders;
}

/** zcrx copy fallbacks that an application holds; they belong to no pool. */
export function fallbacksIn(table: NetmemTable): number {
  let found = 0;
  for (let n = 0; n < table.areaNetmems; n++) {
    const at = n * NM_WORDS;
    if (table.words[at + NM_STATE] === APP_FALLBACK && table.words[at + NM_POOL] === 0) found++;
  }
  return found;
}

function nobody(): Holders {
  return Object.fromEntries(OWNERS.map((owner) => [owner, 0])) as Holders;
}
