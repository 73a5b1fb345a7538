/**
 * Who owns a netmem, and which changes of owner are legal.
 *
 *                    T1 / D1 / Z1                T2
 *      PROV_FREE ------------------> POOL_CACHE ----> DRV_RING ---- T4 ----> SKB
 *        ^   ^  \                     ^    ^ T3        |  T8 /                |  \  D3 / Z2
 *        |   |   \ Z3                 |  POOL_RING <---+----+---- T6 --------+   v
 *        |   |    v                   |    ^                                  APP_TOKEN
 *        |   +-- APP_FALLBACK         +----+------------- D4 / Z4 / Z5 / Z7 -- APP_UREF
 *        +------ T9 / D6 / Z8 (from the pool, or straight from a put that found the ring full)
 *
 * The letters are those of the transition tables below: T common to all providers, D devmem
 * (dma-buf), Z zcrx, U a UMEM that its process reads in place. A netmem that carries several
 * packets is in the state of its strongest owner: the driver while a fragment bias is left, then
 * the stack, then the application.
 */

export const PROV_FREE = 0;
export const POOL_CACHE = 1;
export const POOL_RING = 2;
export const DRV_RING = 3;
export const SKB = 4;
export const APP_TOKEN = 5;
export const APP_UREF = 6;
export const APP_FALLBACK = 7;
export const DEAD = 8;

/** Number of states. */
export const STATES = 9;

/** The states' names, indexed by state. */
export const STATE_NAME: readonly string[] = [
  "PROV_FREE",
  "POOL_CACHE",
  "POOL_RING",
  "DRV_RING",
  "SKB",
  "APP_TOKEN",
  "APP_UREF",
  "APP_FALLBACK",
  "DEAD",
];

/** The record's owner of each state; empty where nobody outside the provider holds the netmem. */
export const STATE_OWNER: readonly string[] = [
  "",
  "poolCache",
  "poolRing",
  "driver",
  "stack",
  "app",
  "app",
  "fallback",
  "",
];

/** The record's owners, in the order of the way back to the pool. */
export const OWNERS = ["poolCache", "poolRing", "driver", "stack", "app", "fallback"] as const;

/** The transitions by number; {@link TRANSITION_NAME} says what each is. */
export const T1 = 1;
export const T2 = 2;
export const T3 = 3;
export const T4 = 4;
export const T5 = 5;
export const T6 = 6;
export const T7 = 7;
export const T8 = 8;
export const T9 = 9;
export const T10 = 10;
export const D1 = 11;
export const D2 = 12;
export const D3 = 13;
export const D4 = 14;
export const D5 = 15;
export const D6 = 16;
export const Z1 = 17;
export const Z2 = 18;
export const Z3 = 19;
export const Z4 = 20;
export const Z5 = 21;
export const Z6 = 22;
export const Z7 = 23;
export const Z8 = 24;
export const Z9 = 25;
export const U1 = 26;
export const U2 = 27;

/** What each transition is, indexed by its number; a leak report prints these. */
export const TRANSITION_NAME: readonly string[] = [
  "none",
  "T1 provider to pool",
  "T2 pool cache to driver",
  "T3 ptr_ring to alloc cache",
  "T4 driver to skb",
  "T5 skb frag reference taken",
  "T6 last skb frag put to pool",
  "T7 skb frag put",
  "T8 driver recycles",
  "T9 pool to provider",
  "T10 page returned to the page allocator",
  "D1 genpool to pool",
  "D2 token taken by recvmsg",
  "D3 skb freed, token stays",
  "D4 SO_DEVMEM_DONTNEED",
  "D5 socket destroy releases user frags",
  "D6 pool to genpool",
  "Z1 freelist to pool",
  "Z2 user ref taken by RECV_ZC",
  "Z3 freelist to copy fallback",
  "Z4 RQE to alloc cache",
  "Z5 RQE to an older pool or the freelist",
  "Z6 RQE while the stack holds a reference",
  "Z7 scrub",
  "Z8 pool to freelist",
  "Z9 ZCRX_CTRL_FLUSH_RQ",
  "U1 reference taken by a reader in place",
  "U2 reader gives a frame back",
];

const EDGES: ReadonlyArray<readonly [from: number, to: readonly number[]]> = [
  [PROV_FREE, [POOL_CACHE, APP_FALLBACK]],
  [POOL_CACHE, [DRV_RING, PROV_FREE, DEAD]],
  [POOL_RING, [POOL_CACHE, PROV_FREE, DEAD]],
  [DRV_RING, [SKB, APP_TOKEN, APP_UREF, POOL_CACHE, POOL_RING, PROV_FREE, DEAD]],
  [SKB, [APP_TOKEN, APP_UREF, POOL_CACHE, POOL_RING, PROV_FREE, DEAD]],
  [APP_TOKEN, [POOL_CACHE, POOL_RING, PROV_FREE]],
  [APP_UREF, [POOL_CACHE, POOL_RING, PROV_FREE]],
  [APP_FALLBACK, [PROV_FREE]],
  [DEAD, []],
];

/** `LEGAL[from * 16 + to]` is 1 where that change of owner exists. */
export const LEGAL: Uint8Array = (() => {
  const legal = new Uint8Array(16 * 16);
  for (const [from, to] of EDGES) for (const state of to) legal[from * 16 + state] = 1;
  return legal;
})();
